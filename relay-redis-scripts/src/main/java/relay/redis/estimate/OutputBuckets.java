package relay.redis.estimate;

import java.util.Arrays;

/**
 * A histogram of output lengths: bucket b holds outputs of up to 2^(b/4) tokens, so a quantile is
 * exact to a fifth. The last bucket holds all longer outputs.
 */
public final class OutputBuckets {
  public static final int COUNT = 81;
  private static final long[] UP_TO = new long[COUNT];

  static {
    for (int b = 0; b < COUNT; b++) {
      UP_TO[b] = (long) StrictMath.floor(StrictMath.pow(2, b / 4.0));
    }
  }

  private OutputBuckets() {}

  public static int of(long tokens) {
    int found = Arrays.binarySearch(UP_TO, tokens);
    while (found > 0 && UP_TO[found - 1] == tokens) {
      found--; // the first few buckets have the same upper bound
    }
    return Math.min(COUNT - 1, found >= 0 ? found : -found - 1);
  }

  /**
   * The length that this share of outputs does not exceed, interpolated within its bucket.
   *
   * @return 0 if there are none
   */
  public static double quantile(double[] counts, double share) {
    double all = 0;
    for (double count : counts) {
      all += count;
    }
    double wanted = share * all;
    double below = 0;
    for (int b = 0; b < COUNT; b++) {
      if (counts[b] > 0 && below + counts[b] >= wanted) {
        return StrictMath.pow(2, (b - 1 + (wanted - below) / counts[b]) / 4);
      }
      below += counts[b];
    }
    return 0;
  }
}
