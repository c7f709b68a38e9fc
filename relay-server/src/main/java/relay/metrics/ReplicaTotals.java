package relay.metrics;

import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.distribution.CountAtBucket;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * What this replica has done since its start, for the dashboard. Counters only rise; a reader takes
 * differences.
 *
 * @param redisMode {@code shared}, or what applies without Redis
 * @param requests answered requests
 * @param failures answers with a status of 500 or more
 * @param refusedByRelay 429s of Relay's own
 * @param refusedByProviders 429s from providers, of any attempt
 * @param inflight requests under way
 * @param waiting requests that wait for capacity
 * @param reservedTokens reserved by requests under way
 * @param duration of requests
 * @param firstByte time to a provider's first byte
 * @param clientDenials requests that a client's own limits refused, of clients that had any
 */
public record ReplicaTotals(
    boolean redisUp,
    String redisMode,
    long requests,
    long failures,
    long refusedByRelay,
    long refusedByProviders,
    long inputTokens,
    long outputTokens,
    long inflight,
    long waiting,
    long reservedTokens,
    Histogram duration,
    Histogram firstByte,
    Map<String, Long> clientDenials) {
  public ReplicaTotals {
    clientDenials = Map.copyOf(clientDenials);
  }

  /**
   * Cumulative counts.
   *
   * @param seconds upper bounds of the buckets
   * @param counts observations up to each bound
   * @param total all observations
   */
  public record Histogram(List<Double> seconds, List<Long> counts, long total) {
    public Histogram {
      seconds = List.copyOf(seconds);
      counts = List.copyOf(counts);
    }

    /** One histogram of several timers, which have the same buckets. */
    static Histogram of(Collection<Timer> timers) {
      Map<Double, Long> counts = new TreeMap<>();
      long total = 0;
      for (Timer timer : timers) {
        for (CountAtBucket bucket : timer.takeSnapshot().histogramCounts()) {
          counts.merge(bucket.bucket(TimeUnit.SECONDS), (long) bucket.count(), Long::sum);
        }
        total += timer.count();
      }
      return new Histogram(List.copyOf(counts.keySet()), List.copyOf(counts.values()), total);
    }
  }
}
