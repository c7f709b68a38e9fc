package relay.carrier;

import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.concurrent.locks.LockSupport;

/**
 * How long a thread may park for a socket.
 *
 * @param isBounded false: until it is unparked
 * @param untilNanos of {@link System#nanoTime}
 * @param late the message of the exception after that
 */
record ParkLimit(boolean isBounded, long untilNanos, String late) {
  static final ParkLimit NONE = new ParkLimit(false, 0, "");

  /**
   * @param timeoutMs 0 for none
   */
  static ParkLimit of(int timeoutMs, String late) {
    return timeoutMs == 0
        ? NONE
        : new ParkLimit(true, System.nanoTime() + 1_000_000L * timeoutMs, late);
  }

  /** Throws if the time is over. */
  void check() throws SocketTimeoutException {
    if (isBounded && untilNanos - System.nanoTime() <= 0) {
      throw new SocketTimeoutException(late);
    }
  }

  /** Parks the thread once; it may return early, as {@link LockSupport#park} may. */
  void park(Object blocker) throws SocketException, SocketTimeoutException {
    if (isBounded) {
      check();
      LockSupport.parkNanos(blocker, Math.max(1, untilNanos - System.nanoTime()));
    } else {
      LockSupport.park(blocker);
    }
    if (Thread.currentThread().isInterrupted()) { // later parks return at once: this would spin
      throw new SocketException("interrupted");
    }
  }
}
