package relay.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import relay.metrics.ReplicaTotals;
import relay.metrics.ReplicaTotals.ClientCounts;
import relay.metrics.ReplicaTotals.Histogram;
import relay.pool.ReplicaLine;

/**
 * What this replica and the fleet did in the last five minutes, so that a page has plots when it
 * opens, and whom it refused in the last minute. Not thread-safe.
 */
final class TrafficHistory {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  /** Seconds between readings. */
  static final int EVERY = 10;

  /** Five minutes. */
  private static final int READINGS = 31;

  /** Points of a minute. Only these have pools and clients, of which there may be thousands. */
  private static final int COUNTED = 7;

  private static final ClientCounts NOTHING = new ClientCounts(0, 0, 0, Map.of());

  private final Deque<ObjectNode> readings = new ArrayDeque<>();
  private final Deque<ReplicaTotals> minute = new ArrayDeque<>();

  /**
   * @param fleet what all replicas do, as {@link ReplicaLine#sums} gives it
   */
  void add(ReplicaTotals totals, ObjectNode fleet, long nowMs) {
    ObjectNode reading = JSON.objectNode().put("now", nowMs);
    reading.set("replica", json(totals));
    reading.set("traffic", fleet);
    readings.add(reading);
    minute.add(totals);
    if (readings.size() > READINGS) {
      readings.remove();
    }
    if (minute.size() > COUNTED) {
      minute.remove();
    }
  }

  /** All readings, the oldest first: {@code {"now", "replica", "traffic"}}. */
  ArrayNode json() {
    return JSON.arrayNode().addAll(readings);
  }

  static ObjectNode json(ReplicaTotals totals) {
    ObjectNode replica = JSON.objectNode();
    replica.put("redis_up", totals.redisUp()).put("redis_mode", totals.redisMode());
    replica.put("requests", totals.requests()).put("failures", totals.failures());
    replica.put("refused_by_relay", totals.refusedByRelay());
    replica.put("refused_by_providers", totals.refusedByProviders());
    replica.put("input_tokens", totals.inputTokens()).put("output_tokens", totals.outputTokens());
    replica.put("inflight", totals.inflight()).put("waiting", totals.waiting());
    replica.put("reserved_tokens", totals.reservedTokens());
    histogram(replica.putObject("duration"), totals.duration());
    histogram(replica.putObject("first_byte"), totals.firstByte());
    return replica;
  }

  private static void histogram(ObjectNode into, Histogram histogram) {
    ArrayNode seconds = into.putArray("seconds");
    histogram.seconds().forEach(seconds::add);
    ArrayNode counts = into.putArray("counts");
    histogram.counts().forEach(counts::add);
    into.put("total", histogram.total());
  }

  /** How often a pool refused in the last minute, by reason. */
  ObjectNode refused(String pool, ReplicaTotals now) {
    return more(
        now.poolDenials().getOrDefault(pool, Map.of()),
        before(now).poolDenials().getOrDefault(pool, Map.of()));
  }

  /** Adds what a client asked in the last minute, and how it ended. */
  void addTo(ObjectNode client, ReplicaTotals now) {
    String name = client.path("name").asText();
    ClientCounts all = now.clients().getOrDefault(name, NOTHING);
    ClientCounts old = before(now).clients().getOrDefault(name, NOTHING);
    client.put("requests", more(all.requests(), old.requests()));
    client.put("refused", more(all.refused(), old.refused()));
    client.put("failed", more(all.failed(), old.failed()));
    client.set("denied", more(all.denials(), old.denials()));
  }

  /** The clients that were refused, or got a 5xx, in the last minute. */
  Set<String> unserved(ReplicaTotals now) {
    Map<String, ClientCounts> before = before(now).clients();
    return now.clients().entrySet().stream()
        .filter(each -> unserved(each.getValue(), before.getOrDefault(each.getKey(), NOTHING)))
        .map(Map.Entry::getKey)
        .collect(Collectors.toSet());
  }

  private static boolean unserved(ClientCounts now, ClientCounts before) {
    return now.refused() > before.refused() || now.failed() > before.failed();
  }

  /** The totals of a minute ago, or the first. */
  private ReplicaTotals before(ReplicaTotals now) {
    ReplicaTotals first = minute.peek();
    return first == null ? now : first;
  }

  private static ObjectNode more(Map<String, Long> now, Map<String, Long> before) {
    ObjectNode more = JSON.objectNode();
    new TreeMap<>(now)
        .forEach(
            (name, count) -> {
              long rise = more(count, before.getOrDefault(name, 0L));
              if (rise > 0) {
                more.put(name, rise);
              }
            });
    return more;
  }

  /** A reload may forget counters. */
  private static long more(long now, long before) {
    return Math.max(0, now - before);
  }
}
