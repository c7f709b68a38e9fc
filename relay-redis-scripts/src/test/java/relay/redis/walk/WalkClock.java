package relay.redis.walk;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.LongStream;

/**
 * The clocks of a {@link Walk}: the true time, Redis's clock, which may be off, and the replica's
 * reading.
 */
final class WalkClock {
  private static final long START = 1_790_000_000_000_000L;
  private static final long THREE_HOURS = 3 * 3_600_000_000L; // a halved burst is back
  private static final int SLOTS = StoredPool.MOST_FEW + 16; // so that they are in the ring

  private final RandomGenerator random;
  private final PoolModel model;
  private long micros = START; // the true time
  private long skew; // offset of Redis's clock
  private long surest = START; // true time of a replica's last reading of the pool's clock
  private long seen; // the reading
  private int slots; // that still come one after the other

  /**
   * @param steady whether each of the first steps takes a slot or two
   */
  WalkClock(RandomGenerator random, PoolModel model, boolean steady) {
    this.random = random;
    this.model = model;
    slots = steady ? 2 * SLOTS : 0;
  }

  /**
   * A step in time and the resulting clock.
   *
   * @param moments times on Redis's clock at which the next call's answer may change; one of them,
   *     or the microsecond before it, is a likely time for the call
   */
  Clock tick(LongStream moments) {
    long slot = model.shape().slotMicros();
    if (slots > 0) {
      slots--;
      micros += random.nextLong(slot, 2 * slot);
      return reading();
    }
    long window = model.shape().windowMicros();
    micros +=
        switch (random.nextInt(20)) {
          case 0, 1, 2, 3, 4, 5 -> 0;
          case 6, 7, 8 -> random.nextLong(1, 1_000);
          case 9, 10, 11 -> random.nextLong(slot);
          case 12, 13 -> slot - Math.floorMod(model.last(), slot) - random.nextInt(2); // a border
          case 14, 15 -> random.nextLong(20 * slot);
          case 16, 17 -> random.nextLong(window);
          case 18 -> random.nextBoolean() ? window : untilMoment();
          default -> random.nextLong(random.nextInt(3) > 0 ? 4 * window : THREE_HOURS);
        };
    if (random.nextInt(40) == 0) {
      long size = random.nextBoolean() ? window : 3_600_000_000L;
      skew += random.nextLong(-2 * size, 2 * size);
    }
    if (random.nextInt(3) == 0) {
      long redis = micros + skew;
      long[] ahead = moments.filter(moment -> moment > redis).sorted().toArray();
      micros +=
          ahead.length == 0 ? 0 : ahead[random.nextInt(ahead.length)] - redis - random.nextInt(2);
    }
    return reading();
  }

  /** Whether the first slots are still to be filled. */
  boolean isFilling() {
    return slots > SLOTS;
  }

  private Clock reading() {
    long ceiling = 0;
    if (seen > 0 && random.nextInt(8) > 0) {
      long late = random.nextInt(30) == 0 ? random.nextLong(60_000_000) : 0; // on its way
      ceiling = Math.max(1, seen + (micros - surest) + 10_000 - late);
    }
    return new Clock(Math.max(1, micros + skew), ceiling);
  }

  /** The true time that has passed. */
  Duration passed() {
    return Duration.of(micros - START, ChronoUnit.MICROS);
  }

  /** Steps to the first deadline, or to the microsecond before it. */
  private long untilMoment() {
    long first = model.deadlines().min().orElse(model.last() + 1);
    return Math.max(0, first - model.last() - random.nextInt(2));
  }

  /** Most scripts' replies contain the pool's time. */
  void answered(Step step, List<Object> reply) {
    boolean tells =
        switch (step) {
          case QuarantineStep _, RestoreStep _ -> false;
          case BreakerStep _, ProbeStep _, LearnStep _, TallyStep _, TalliedStep _ -> false;
          default -> reply.getFirst().equals(1L);
        };
    if (tells) {
      long told = (Long) reply.get(1);
      if (told >= seen + (micros - surest) - 1_000_000) { // else it answers a late call
        seen = told;
        surest = micros;
      }
    }
  }
}
