package relay.redis;

import java.util.function.LongSupplier;

/**
 * A replica's view of a pool's clock: a time read from a reply, and the monotonic time since then.
 * They give the latest plausible time, and the scripts cap a Redis clock that jumped ahead at it.
 * The replica's wall clock plays no part.
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

  /** Records the time of a reply; 0 is none. */
  void observed(long micros) {
    long now = nanoTime.getAsLong();
    Reading known = last;
    if (micros > 0 && (known.micros() == 0 || now - known.nanos() > REFRESH_NANOS)) {
      last = new Reading(micros, now);
    }
  }

  /** The latest plausible time in microseconds, as a script argument; 0 when none is known. */
  byte[] ceiling() {
    Reading known = last;
    if (known.micros() == 0) {
      return UNKNOWN;
    }
    long passed = (nanoTime.getAsLong() - known.nanos()) / 1000;
    return RedisKeys.bytes(known.micros() + passed + ALLOWANCE_MICROS);
  }
}
