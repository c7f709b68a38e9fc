package relay.redis.link;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.slf4j.Logger;

/**
 * Whether Redis answers later than the timeout. Answers that arrive late come from a Redis that
 * lives: it is slow, not gone.
 */
final class Slowness {
  /** The time for which a late answer counts: pools call Redis at least twice a second. */
  private static final long HOLDS_NANOS = 2_000_000_000L;

  /**
   * Redis stays slow after this number of timeouts in a row. A burst of calls that time out
   * together is not enough: they must spread over as many timeouts.
   */
  private static final int LASTING = 3;

  private final Logger log;
  private final Duration timeout;
  private final LongSupplier nanoTime;
  private final AtomicInteger timeouts = new AtomicInteger(); // in a row
  private volatile long timedOutNanos; // the first of them, in running time
  private volatile long lateAt;
  private volatile boolean wasLate; // an answer ever was
  private volatile boolean told; // that it is slow

  Slowness(Logger log, Duration timeout, LongSupplier nanoTime) {
    this.log = log;
    this.timeout = timeout;
    this.nanoTime = nanoTime;
  }

  /** An answer came after its call had timed out. */
  void lateAnswer(String address) {
    lateAt = nanoTime.getAsLong();
    wasLate = true;
    if (!told) {
      told = true;
      log.warn(
          "Redis at {} is slow: it answers later than redis.timeout_ms, {} ms",
          address,
          timeout.toMillis());
    }
  }

  /**
   * A call has timed out.
   *
   * @param runningNanos as {@link Deadlines#runningNanos}
   */
  void timedOut(long runningNanos) {
    if (timeouts.getAndIncrement() == 0) {
      timedOutNanos = runningNanos;
    }
  }

  /** A call was answered in time. */
  void timelyAnswer() {
    if (timeouts.get() > 0) {
      timeouts.set(0);
    }
  }

  /**
   * Whether no answer has come in time for a while. To ask then only costs a request the timeout;
   * heartbeats tell when answers come in time again.
   */
  boolean isLasting(long runningNanos) {
    return timeouts.get() >= LASTING
        && runningNanos - timedOutNanos >= (LASTING - 1) * timeout.toNanos();
  }

  boolean holds() {
    return wasLate && nanoTime.getAsLong() - lateAt < HOLDS_NANOS;
  }

  /** Tells the end. */
  void tick(String address) {
    if (told && !holds()) {
      told = false;
      log.info("Redis at {} is no longer slow", address);
    }
  }
}
