package relay.redis;

import org.jspecify.annotations.Nullable;

/** Decides whether to send a request to a provider now. Times are in microseconds. */
interface AdmissionRule {
  /**
   * An admitted request.
   *
   * @param number of the request, from 1
   * @param tokens the reservation
   */
  record Pass(long number, int replica, long at, long tokens) {}

  /** Admits a request and charges it. Returns null, without any effect, if it is not admitted. */
  @Nullable Pass admit(long now, long number, int replica, long tokens);

  /** The request has ended with this actual cost. */
  void settle(long now, Pass pass, long tokens);

  /** The provider refused the request and asks for this pause. */
  void refused(long now, Pass pass, long waitMicros);

  /** The largest reservation that is ever admitted. */
  long largest();
}
