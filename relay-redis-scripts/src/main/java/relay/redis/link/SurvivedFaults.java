package relay.redis.link;

import java.util.function.BiConsumer;
import java.util.function.LongSupplier;

/**
 * Logs the faults that a background thread survives: the first one, then at most one a minute. A
 * thread that ended instead would leave the process half dead without a word. Used by one thread.
 */
public final class SurvivedFaults {
  static final long REPEAT_NANOS = 60_000_000_000L;

  private final String thread;
  private final BiConsumer<String, Throwable> log;
  private final LongSupplier nanoTime;
  private long count;
  private long loggedAt;

  public SurvivedFaults(String thread, BiConsumer<String, Throwable> log, LongSupplier nanoTime) {
    this.thread = thread;
    this.log = log;
    this.nanoTime = nanoTime;
  }

  /** Runs a task, and survives whatever it throws. */
  public void run(Runnable task) {
    try {
      task.run();
    } catch (Throwable e) {
      report(e);
    }
  }

  private void report(Throwable fault) {
    long now = nanoTime.getAsLong();
    if (count++ > 0 && now - loggedAt < REPEAT_NANOS) {
      return;
    }
    loggedAt = now;
    try {
      log.accept("thread " + thread + " goes on after a fault; faults so far: " + count, fault);
    } catch (Throwable e) {
      // probably no memory: the next fault is logged in a minute
    }
  }
}
