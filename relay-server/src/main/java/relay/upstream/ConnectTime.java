package relay.upstream;

import java.util.concurrent.TimeUnit;

/**
 * The time that the calling thread has for a connection. The lookup of the host's name counts: both
 * together have the connect timeout.
 */
final class ConnectTime {
  private static final ThreadLocal<Long> LOOKUP_NANOS = new ThreadLocal<>();

  private ConnectTime() {}

  /** The calling thread connects now, after a lookup that took some time. */
  static void begin(long lookupNanos) {
    LOOKUP_NANOS.set(lookupNanos);
  }

  static void end() {
    LOOKUP_NANOS.remove();
  }

  /**
   * The rest of a connect timeout.
   *
   * @param timeoutMs 0 for none
   */
  static int left(int timeoutMs) {
    Long lookup = LOOKUP_NANOS.get();
    return timeoutMs == 0 || lookup == null
        ? timeoutMs
        : (int) Math.max(1, timeoutMs - TimeUnit.NANOSECONDS.toMillis(lookup));
  }
}
