package relay.guards;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Waits in tests, always with a bound. */
public final class Await {
  private static final Duration MOST = Duration.ofSeconds(60);
  private static final long SOONEST_NANOS = 2_000_000;
  private static final long LATEST_NANOS = 20_000_000;

  private Await() {}

  /** A condition that a test waits for; it may read sockets and files. */
  @FunctionalInterface
  public interface Condition<E extends Exception> {
    /** Whether it is true now. */
    boolean holds() throws E;
  }

  /** Polls until the condition holds; fails after a minute: a busy machine is slow. */
  public static <E extends Exception> void until(String what, Condition<E> condition) throws E {
    until(what, MOST, condition);
  }

  /**
   * Polls until the condition holds, less often if that takes long: a look may ask a whole replica.
   * Fails when the time is up. A condition that throws does not hold yet: what it reads may not be
   * there.
   */
  public static <E extends Exception> void until(
      String what, Duration atMost, Condition<E> condition) throws E {
    long start = System.nanoTime();
    while (true) {
      RuntimeException thrown = null;
      try {
        if (condition.holds()) {
          return;
        }
      } catch (RuntimeException notYet) {
        thrown = notYet;
      }
      long waited = System.nanoTime() - start;
      if (waited >= atMost.toNanos()) {
        throw new AssertionError("not within " + atMost.toMillis() + " ms: " + what, thrown);
      }
      LockSupport.parkNanos(Math.clamp(waited / 20, SOONEST_NANOS, LATEST_NANOS));
    }
  }

  /** Waits for a time of {@link System#nanoTime}. */
  public static void moment(long atNanos) {
    for (long left = atNanos - System.nanoTime(); left > 0; left = atNanos - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }
}
