package relay.metrics;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;
import relay.metrics.ReplicaTotals.Histogram;

/**
 * When the requests that a provider answered had their first byte, and their end. Both have the
 * same requests and buckets, so no quantile of the first bytes is later than that of the ends.
 * Thread-safe.
 */
final class ServedTimes {
  private static final long[] BOUNDS_NANOS =
      Arrays.stream(Buckets.SERVED).mapToLong(Duration::toNanos).toArray();
  private static final List<Double> BOUNDS_SECONDS =
      Arrays.stream(BOUNDS_NANOS).mapToObj(nanos -> nanos / 1e9).toList();

  private final LongAdder[] firstBytes = adders();
  private final LongAdder[] ends = adders();

  /** One for each bucket, and one for what is longer. */
  private static LongAdder[] adders() {
    return Stream.generate(LongAdder::new).limit(BOUNDS_NANOS.length + 1).toArray(LongAdder[]::new);
  }

  void record(long firstByteNanos, long endNanos) {
    firstBytes[bucket(firstByteNanos)].increment();
    ends[bucket(endNanos)].increment();
  }

  private static int bucket(long nanos) {
    int found = Arrays.binarySearch(BOUNDS_NANOS, nanos);
    return found < 0 ? ~found : found;
  }

  Histogram firstBytes() {
    return histogram(firstBytes);
  }

  Histogram ends() {
    return histogram(ends);
  }

  private static Histogram histogram(LongAdder[] adders) {
    List<Long> counts = new ArrayList<>();
    long total = 0;
    for (LongAdder adder : adders) {
      total += adder.sum();
      counts.add(total);
    }
    return new Histogram(BOUNDS_SECONDS, counts.subList(0, BOUNDS_NANOS.length), total);
  }
}
