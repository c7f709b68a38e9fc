package relay.redis;

/**
 * The mean length of a model's outputs, and of those that are longer than what was made already, as
 * far as they are made within a time. Computed from a histogram: a bucket's outputs count with its
 * middle. Computed anew often, so it keeps its arrays. Not thread-safe.
 */
final class OutputCurve {
  private static final double[] MIDDLE = new double[OutputBuckets.COUNT];

  static {
    for (int b = 0; b < MIDDLE.length; b++) {
      MIDDLE[b] = StrictMath.pow(2, (b - 0.5) / 4);
    }
  }

  /**
   * Of an output longer than any that was seen: its mean and spread, as multiples of what was made.
   */
  private static final double LONGER = 1.5;

  private static final double LONGER_SPREAD = 0.7;

  // of bucket b and all longer ones
  private final double[] counts = new double[OutputBuckets.COUNT + 1];
  private final double[] sums = new double[OutputBuckets.COUNT + 1];
  private final double[] squares = new double[OutputBuckets.COUNT + 1];

  void compute(double[] histogram) {
    for (int b = OutputBuckets.COUNT - 1; b >= 0; b--) {
      double sum = histogram[b] * MIDDLE[b];
      counts[b] = counts[b + 1] + histogram[b];
      sums[b] = sums[b + 1] + sum;
      squares[b] = squares[b + 1] + sum * MIDDLE[b];
    }
  }

  /**
   * The output to expect of a request, with what it has made.
   *
   * @param made output tokens that it has made already
   * @param most how many more can be made within the time
   */
  ExpectedOutput expected(long made, double most) {
    double end = made + most;
    int b = made <= 0 ? 0 : OutputBuckets.of(made) + 1;
    if (b >= OutputBuckets.COUNT || counts[b] < 0.5) {
      return new ExpectedOutput(
          (long) Math.ceil(Math.min(end, made * LONGER)),
          (long) Math.ceil(Math.min(most, made * LONGER_SPREAD)));
    }
    int beyond = Math.max(b, OutputBuckets.of((long) end) + 1); // of these, only a part is made
    double longer = counts[beyond];
    double sum = sums[b] - sums[beyond] + end * longer;
    double mean = Math.max(made + 1.0, sum / counts[b]);
    double square = squares[b] - squares[beyond] + end * end * longer;
    double variance = Math.max(0, square / counts[b] - mean * mean);
    return new ExpectedOutput((long) Math.ceil(mean), (long) Math.ceil(Math.sqrt(variance)));
  }
}
