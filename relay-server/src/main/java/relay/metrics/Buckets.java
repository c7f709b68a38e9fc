package relay.metrics;

import java.time.Duration;
import java.util.Arrays;

/** The upper bounds of the histograms' buckets. */
final class Buckets {
  /** From a cache hit to a long answer. */
  static final Duration[] REQUEST =
      millis(5, 25, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000);

  static final Duration[] FIRST_BYTE =
      millis(5, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000);

  /** The buckets of both times on the dashboard. */
  static final Duration[] SERVED =
      millis(
          5, 25, 50, 100, 200, 300, 500, 700, 1_000, 2_000, 3_000, 5_000, 10_000, 30_000, 120_000);

  /** From no wait to that of an agent before a pool that is short. */
  static final Duration[] WAIT =
      millis(10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000);

  /** Relay's own overhead is below a millisecond, Redis included. */
  static final Duration[] FAST =
      micros(50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000);

  /** Estimation errors, as a ratio of the tokens used. */
  static final double[] RATIO = {0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 4, 10, 100};

  private Buckets() {}

  private static Duration[] millis(int... millis) {
    return Arrays.stream(millis).mapToObj(Duration::ofMillis).toArray(Duration[]::new);
  }

  private static Duration[] micros(int... micros) {
    return Arrays.stream(micros)
        .mapToObj(n -> Duration.ofNanos(n * 1000L))
        .toArray(Duration[]::new);
  }
}
