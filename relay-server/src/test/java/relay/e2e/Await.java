package relay.e2e;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Bounded waits for conditions. */
public final class Await {
  private static final Duration MOST = Duration.ofSeconds(15);
  private static final long LOOK_AGAIN_NANOS = 2_000_000;

  private Await() {}

  /** The condition; may use sockets and files. */
  @FunctionalInterface
  public interface Condition {
    boolean holds() throws Exception;
  }

  /** Waits until the condition holds; fails after a timeout. */
  public static void until(String what, Condition condition) throws Exception {
    until(what, MOST, condition);
  }

  public static void until(String what, Duration most, Condition condition) throws Exception {
    long until = System.nanoTime() + most.toNanos();
    while (!condition.holds()) {
      if (System.nanoTime() - until >= 0) {
        throw new AssertionError("not within " + most.toMillis() + " ms: " + what);
      }
      LockSupport.parkNanos(LOOK_AGAIN_NANOS);
    }
  }

  /** Waits until a time of {@link System#nanoTime}. */
  public static void moment(long atNanos) {
    for (long left = atNanos - System.nanoTime(); left > 0; left = atNanos - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }
}
