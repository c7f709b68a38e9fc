package relay.trial.load;

import java.util.concurrent.locks.LockSupport;

/** Waits for a time, to some 50 microseconds. */
public final class Wait {
  private Wait() {}

  /** Returns at this time on {@link System#nanoTime}'s clock, or when the thread is interrupted. */
  public static void until(long nanos) {
    for (long left = nanos - System.nanoTime();
        left > 0 && !Thread.currentThread().isInterrupted();
        left = nanos - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }
}
