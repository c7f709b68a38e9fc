package relay.redis.script;

import java.util.function.LongSupplier;

/**
 * A replica's view of a pool's clock: a time read from a reply, and the monotonic time since its
 * call was sent. They give the latest plausible time, and the scripts cap a Redis clock that jumped
 * ahead at it. The replica's wall clock plays no part.
 *
 * <p>That time is never ahead of the pool's clock by more than the allowance, for a call that took
 * longer counts as sent later. It goes on by itself, and readings that are behind change it no
 * faster than clocks drift. So a call that is long on its way is capped, too, but the next one
 * makes up what the pool's clock lost.
 *
 * <p>A newcomer cannot tell whether its first readings are true, so it states no time at first.
 * Until then the scripts wait for the time of another replica.
 */
public final class PoolClock {
  /** {@code state/pool.lua} knows it. */
  private static final long ALLOWANCE_MICROS = 10_000;

  private static final long STEP_MICROS = 1_000; // less is not worth a new reading
  private static final long DRIFT_MICROS = 1_000; // in this time:
  private static final long KEPT_NANOS = 1_000_000_000;
  private static final long NEWCOMER_NANOS = 1_500_000_000;
  private static final byte[] UNKNOWN = RedisKeys.bytes(0);

  private final LongSupplier nanoTime;
  private volatile Reading last = new Reading(0, 0, 0);

  /**
   * @param sent when its call was sent
   * @param since when the first reading was made
   */
  private record Reading(long micros, long sent, long since) {
    boolean isTrusted(long now) {
      return micros > 0 && now - since >= NEWCOMER_NANOS;
    }

    long at(long now) {
      return micros + (now - sent) / 1000;
    }
  }

  public PoolClock(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** The time of a call, for {@link #observed}. */
  public long now() {
    return nanoTime.getAsLong();
  }

  /**
   * Records the time of a reply; 0 is none.
   *
   * @param sent when its call was sent
   */
  public void observed(long micros, long sent) {
    if (micros == 0) {
      return;
    }
    long now = nanoTime.getAsLong();
    long from = Math.max(sent, now - 1_000 * ALLOWANCE_MICROS);
    Reading known = last;
    if (!known.isTrusted(now)) {
      last = new Reading(micros, from, known.micros() == 0 ? now : known.since());
    } else if (micros > known.at(from) + STEP_MICROS) {
      last = new Reading(micros, from, known.since());
    } else if (now - known.sent() > KEPT_NANOS) {
      long drifted = Math.max(micros, known.at(from) - DRIFT_MICROS);
      last = new Reading(drifted, from, known.since());
    }
  }

  /** The latest plausible time in microseconds, as a script argument; 0 when none is known. */
  public byte[] ceiling() {
    long now = nanoTime.getAsLong();
    Reading known = last;
    return known.isTrusted(now) ? RedisKeys.bytes(known.at(now) + ALLOWANCE_MICROS) : UNKNOWN;
  }
}
