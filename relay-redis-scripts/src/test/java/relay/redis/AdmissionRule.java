package relay.redis;

import org.jspecify.annotations.Nullable;

/** What decides whether a request is sent to a provider now. Times are microseconds. */
interface AdmissionRule {
  /**
   * A request that was let through.
   *
   * @param number of the request, from 1
   * @param tokens what was reserved
   */
  record Pass(long number, int replica, long at, long tokens) {}

  /** Lets a request through and charges it, or not: then null, and nothing has happened. */
  @Nullable Pass admit(long now, long number, int replica, long tokens);

  /** The request has ended and really cost this. */
  void settle(long now, Pass pass, long tokens);

  /** The provider refused the request and wants to be left alone for so long. */
  void refused(long now, Pass pass, long waitMicros);

  /** The largest reservation that can ever pass. */
  long largest();
}
