package relay.redis;

import java.util.function.LongSupplier;

/** When a pool's heartbeat last told what its provider's breaker and refusals are. */
final class HeardBeat {
  /** Four heartbeats: afterwards, ask without them. */
  private static final long OLD_NANOS = 2_000_000_000L;

  private final LongSupplier nanoTime;
  private volatile long at;

  HeardBeat(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    at = nanoTime.getAsLong() - OLD_NANOS;
  }

  void now() {
    at = nanoTime.getAsLong();
  }

  /** Whether no heartbeat has told for some time, as when the pool is not open. */
  boolean isOld() {
    return nanoTime.getAsLong() - at >= OLD_NANOS;
  }
}
