package relay.redis.estimate;

import relay.redis.model.ExpectedOutput;

/**
 * The mean length of a model's outputs, and of those that are longer than what was made already, as
 * far as they are made within a time. Computed from a histogram: within a bucket outputs are taken
 * to be spread evenly over the logarithm. Computed anew often, so it keeps its arrays. Not
 * thread-safe.
 *
 * <p>What a request with {@code made} tokens makes up to {@code end} is the difference of two sums
 * over all outputs, each cut at that length, for each output that is longer than {@code made}. So
 * the bucket of {@code made} counts with the part of it that is longer. Without that, the estimate
 * of a long stream is a tenth too high.
 */
final class OutputCurve {
  private static final double WIDTH = StrictMath.log(2) / 4; // of a bucket, in the logarithm
  private static final double[] LOWER = new double[OutputBuckets.COUNT + 1];
  private static final double LONGEST;

  static {
    for (int b = 0; b < LOWER.length; b++) {
      LOWER[b] = StrictMath.pow(2, (b - 1) / 4.0);
    }
    LONGEST = LOWER[OutputBuckets.COUNT];
  }

  /**
   * The mean and spread of an output longer than any that was seen, as multiples of what was made.
   */
  private static final double LONGER = 1.5;

  private static final double LONGER_SPREAD = 0.7;

  private final double[] counts = new double[OutputBuckets.COUNT + 1]; // of bucket b and longer
  private final double[] sums = new double[OutputBuckets.COUNT + 1]; // of the buckets below b
  private final double[] squares = new double[OutputBuckets.COUNT + 1];

  void compute(double[] histogram) {
    for (int b = OutputBuckets.COUNT - 1; b >= 0; b--) {
      counts[b] = counts[b + 1] + histogram[b];
    }
    for (int b = 0; b < OutputBuckets.COUNT; b++) {
      sums[b + 1] = sums[b] + histogram[b] * mean(LOWER[b], LOWER[b + 1]);
      squares[b + 1] = squares[b] + histogram[b] * meanSquare(LOWER[b], LOWER[b + 1]);
    }
  }

  /** Times the part of the bucket that lies between, as the next one. */
  private static double mean(double from, double to) {
    return (to - from) / WIDTH;
  }

  private static double meanSquare(double from, double to) {
    return (to * to - from * from) / (2 * WIDTH);
  }

  /**
   * The output to expect of a request, with what it has made.
   *
   * @param made output tokens that it has made already
   * @param most how many more can be made within the time
   */
  ExpectedOutput expected(long made, double most) {
    Cut from = new Cut(Math.min((double) made, LONGEST));
    if (from.longer < 0.5) {
      return new ExpectedOutput(
          (long) Math.ceil(Math.min(made + most, made * LONGER)),
          (long) Math.ceil(Math.min(most, made * LONGER_SPREAD)));
    }
    Cut to = new Cut(Math.min(made + most, LONGEST));
    double rest = (to.sum - from.sum) / from.longer;
    double square = (to.square - from.square) / from.longer - 2 * from.at * rest;
    double variance = Math.max(0, square - rest * rest);
    return new ExpectedOutput(
        made + (long) Math.ceil(Math.max(1, rest)), (long) Math.ceil(Math.sqrt(variance)));
  }

  /** All outputs, cut at a length: how many are longer, the sum and the sum of squares. */
  private final class Cut {
    final double at;
    final double longer;
    final double sum;
    final double square;

    Cut(double tokens) {
      int b = OutputBuckets.of((long) tokens);
      at = tokens;
      double in = Math.clamp(tokens, LOWER[b], LOWER[b + 1]);
      double count = counts[b] - counts[b + 1];
      longer = counts[b + 1] + count * StrictMath.log(LOWER[b + 1] / in) / WIDTH;
      sum = sums[b] + count * mean(LOWER[b], in) + tokens * longer;
      square = squares[b] + count * meanSquare(LOWER[b], in) + tokens * tokens * longer;
    }
  }
}
