package relay.redis;

import java.time.Duration;
import java.util.function.LongSupplier;
import org.slf4j.Logger;

/**
 * Whether Redis answers later than the timeout. Answers that arrive late come from a Redis that
 * lives: it is slow, not gone.
 */
final class Slowness {
  /** A late answer counts for so long: pools call Redis twice a second, at least. */
  private static final long HOLDS_NANOS = 2_000_000_000L;

  private final Logger log;
  private final Duration timeout;
  private final LongSupplier nanoTime;
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
