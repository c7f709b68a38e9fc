package relay.metrics;

import java.util.List;
import java.util.Map;

/**
 * What this replica has done since its start, for the dashboard. Counters only rise; a reader takes
 * differences.
 *
 * @param redisMode {@code shared}, or what applies without Redis
 * @param requests answered requests
 * @param failures answers with a status of 500 or more
 * @param refusedByRelay 429s and 402s of Relay's own
 * @param refusedByProviders 429s from providers, of any attempt
 * @param inflight requests under way
 * @param waiting requests that wait for capacity
 * @param reservedTokens reserved by requests under way
 * @param duration of requests that a provider answered
 * @param firstByte of the same requests: until the head of the provider's last answer
 * @param poolDenials refusals by pool and reason; only what there was
 * @param clients by name; only those that had an answer
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
    Map<String, Map<String, Long>> poolDenials,
    Map<String, ClientCounts> clients) {
  public ReplicaTotals {
    poolDenials = Map.copyOf(poolDenials);
    clients = Map.copyOf(clients);
  }

  /** What all of it had, and how; as in the totals, and cheap. */
  public record Answers(
      String mode, long requests, long failures, long refusedByRelay, long inflight) {}

  /**
   * The answers that a client had.
   *
   * @param requests all of them
   * @param refused those with a status of 402 or 429
   * @param failed those with a status of 500 or more
   * @param denials refusals by its own limits, by reason; only what there was
   */
  public record ClientCounts(long requests, long refused, long failed, Map<String, Long> denials) {
    public ClientCounts {
      denials = Map.copyOf(denials);
    }
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
  }
}
