package relay.load;

import java.util.Arrays;

/** Latencies in nanoseconds. Not thread-safe. */
public final class Latencies {
  private long[] nanos = new long[1 << 14];
  private int count;

  /** Adds a latency. */
  public void add(long each) {
    if (count == nanos.length) {
      nanos = Arrays.copyOf(nanos, 2 * count);
    }
    nanos[count++] = each;
  }

  /** The quantile for a share from 0 to 1, in milliseconds; NaN if there are no values. */
  public double millis(double share) {
    if (count == 0) {
      return Double.NaN;
    }
    Arrays.sort(nanos, 0, count);
    return nanos[Math.min(count - 1, (int) (count * share))] / 1e6;
  }
}
