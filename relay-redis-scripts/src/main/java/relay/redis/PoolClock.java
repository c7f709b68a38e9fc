package relay.redis;

import java.time.Duration;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A replica's view of a pool's clock: a time read from a reply, and the monotonic time since its
 * call was sent. They give the latest plausible time, and the scripts cap a Redis clock that jumped
 * ahead at it. The replica's wall clock plays no part. An allowance of a slot does no harm to the
 * limits, for the slots of a window span one more than the window.
 *
 * <p>A call that is longer on its way than that of the reading is capped, too, and the pool's clock
 * loses that time. So that it does so rarely, the reading is the one of the last seconds that gives
 * the latest time. A slow call's own reading never gives a later time than was known: it tells less
 * exactly.
 *
 * <p>A newcomer cannot tell whether its first readings are true, so it states no time at first.
 * Until then the scripts wait for the time of another replica.
 */
final class PoolClock {
  private static final int SLOTS = 240; // of a window
  private static final long LEAST_MICROS = 10_000;
  private static final long MOST_MICROS = 1_000_000;

  /** A reading that is so far behind answers a call that was long on its way. */
  private static final long LATE_MICROS = 1_000_000;

  private static final long STEP_MICROS = 1_000; // less is not worth a new reading
  private static final long KEPT_NANOS = 5_000_000_000L; // clocks drift
  private static final long NEWCOMER_NANOS = 1_500_000_000;
  private static final byte[] UNKNOWN = RedisKeys.bytes(0);

  private final LongSupplier nanoTime;
  private final long allowanceMicros;
  private volatile Reading last = new Reading(0, 0, 0);
  private volatile @Nullable Reading next; // the best since then

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

  PoolClock(Duration window, LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    allowanceMicros = Math.clamp(window.toNanos() / 1_000 / SLOTS, LEAST_MICROS, MOST_MICROS);
  }

  /** The time of a call, for {@link #observed}. */
  long now() {
    return nanoTime.getAsLong();
  }

  /**
   * Records the time of a reply; 0 is none.
   *
   * @param sent when its call was sent
   */
  void observed(long micros, long sent) {
    if (micros == 0) {
      return;
    }
    long now = nanoTime.getAsLong();
    Reading known = last;
    if (!known.isTrusted(now)) {
      long fast = Math.max(sent, now - 1_000 * allowanceMicros);
      use(new Reading(micros, fast, known.micros() == 0 ? now : known.since()));
      return;
    }
    long before = known.at(sent);
    if (micros > before + STEP_MICROS && now - sent <= 1_000 * allowanceMicros) {
      use(new Reading(micros, sent, known.since()));
      return;
    }
    Reading best = next;
    if (micros > before - LATE_MICROS && (best == null || micros > best.at(sent) + STEP_MICROS)) {
      best = new Reading(Math.min(micros, before), sent, known.since());
      next = best;
    }
    if (best != null && now - known.sent() > KEPT_NANOS) {
      use(new Reading(best.at(now), now, known.since()));
    }
  }

  private void use(Reading reading) {
    last = reading;
    next = null;
  }

  /** The latest plausible time in microseconds, as a script argument; 0 when none is known. */
  byte[] ceiling() {
    long now = nanoTime.getAsLong();
    Reading known = last;
    return known.isTrusted(now) ? RedisKeys.bytes(known.at(now) + allowanceMicros) : UNKNOWN;
  }
}
