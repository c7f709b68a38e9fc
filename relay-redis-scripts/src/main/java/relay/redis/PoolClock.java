package relay.redis;

import java.util.function.LongSupplier;

/**
 * A replica's view of a pool's clock: a time read from a reply, and the monotonic time since then.
 * They give the latest plausible time, and the scripts cap a Redis clock that jumped ahead at it.
 * The replica's wall clock plays no part.
 *
 * <p>A newcomer cannot tell whether its first readings are true, so it states no time at first.
 * Until then the scripts wait for the time of another replica.
 */
final class PoolClock {
  private static final long ALLOWANCE_MICROS = 1_000_000;
  private static final long REFRESH_NANOS = 100_000_000;
  private static final long NEWCOMER_NANOS = 1_500_000_000;
  private static final byte[] UNKNOWN = RedisKeys.bytes(0);

  private final LongSupplier nanoTime;
  private volatile Reading last = new Reading(0, 0, 0);

  /**
   * @param since when the first reading was made
   */
  private record Reading(long micros, long nanos, long since) {
    boolean isTrusted(long now) {
      return micros > 0 && now - since >= NEWCOMER_NANOS;
    }

    long at(long now) {
      return micros + (now - nanos) / 1000;
    }
  }

  PoolClock(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /**
   * Records the time of a reply; 0 is none. A time far in the past answers a call that was long on
   * its way.
   */
  void observed(long micros) {
    long now = nanoTime.getAsLong();
    Reading known = last;
    if (micros == 0) {
      return;
    }
    if (known.micros() == 0) {
      last = new Reading(micros, now, now);
    } else if (now - known.nanos() > REFRESH_NANOS
        && (!known.isTrusted(now) || micros >= known.at(now) - ALLOWANCE_MICROS)) {
      last = new Reading(micros, now, known.since());
    }
  }

  /** The latest plausible time in microseconds, as a script argument; 0 when none is known. */
  byte[] ceiling() {
    long now = nanoTime.getAsLong();
    Reading known = last;
    return known.isTrusted(now) ? RedisKeys.bytes(known.at(now) + ALLOWANCE_MICROS) : UNKNOWN;
  }
}
