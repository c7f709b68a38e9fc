package relay.redis.walk;

import java.util.Random;

/** Random times between requests, in microseconds. */
public final class RandomTimes {
  private static final long SHORTEST = 5_000;
  private static final long LONGEST = 40_000;

  private RandomTimes() {}

  /** From a told time or an answer to the next request. */
  public static long latency(Random random) {
    return Math.round(SHORTEST + random.nextDouble() * (LONGEST - SHORTEST));
  }

  /** Between independent requests. */
  public static long gap(Random random, double mean) {
    return Math.round(-StrictMath.log(1 - random.nextDouble()) * mean);
  }
}
