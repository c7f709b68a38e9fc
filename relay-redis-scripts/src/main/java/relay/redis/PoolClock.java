package relay.redis;

import java.util.function.LongSupplier;

/**
 * What a replica knows of a pool's clock: a time that it read from a reply, and how long ago that
 * was by its own monotonic clock. From it follows the latest time that is believable now; a Redis
 * whose clock jumped ahead is held to that. The replica's wall clock plays no part.
 */
final class PoolClock {
  private static final long ALLOWANCE_MICROS = 1_000_000;
  private static final long REFRESH_NANOS = 100_000_000;
  private static final byte[] UNKNOWN = RedisKeys.bytes(0);

  private final LongSupplier nanoTime;
  private volatile Reading last = new Reading(0, 0);

  private record Reading(long micros, long nanos) {}

  PoolClock(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** A reply carried this time; 0 is none. */
  void saw(long micros) {
    long now = nanoTime.getAsLong();
    Reading known = last;
    if (micros > 0 && (known.micros() == 0 || now - known.nanos() > REFRESH_NANOS)) {
      last = new Reading(micros, now);
    }
  }

  /** The latest believable time in microseconds as a script's argument; 0 when none is known. */
  byte[] ceiling() {
    Reading known = last;
    if (known.micros() == 0) {
      return UNKNOWN;
    }
    long passed = (nanoTime.getAsLong() - known.nanos()) / 1000;
    return RedisKeys.bytes(known.micros() + passed + ALLOWANCE_MICROS);
  }
}
