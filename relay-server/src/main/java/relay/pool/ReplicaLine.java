package relay.pool;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a replica tells the others of itself, with its heartbeats: words of a line, in this order.
 *
 * @param name of the pod or the machine
 * @param startedMs milliseconds since 1970
 * @param mode {@code shared}, what applies without Redis, or {@code draining}
 * @param requests answered in a second, as the two that follow
 * @param refused by Relay
 * @param failed with a status of 500 or more
 * @param inFlight requests under way
 */
public record ReplicaLine(
    String name,
    String version,
    long startedMs,
    String mode,
    double requests,
    double refused,
    double failed,
    long inFlight) {
  private static final String REQUESTS = "requests_per_second";
  private static final String REFUSED = "refused_per_second";
  private static final String FAILED = "failed_per_second";
  private static final String IN_FLIGHT = "in_flight";
  private static final List<String> SUMMED = List.of(REQUESTS, REFUSED, FAILED, IN_FLIGHT);
  private static final Pattern NUMBER = Pattern.compile("\\d{1,15}(\\.\\d{1,3})?");
  private static final int MOST_REPLICAS = 200;
  private static final int LONGEST_NAME = 64;
  private static final int LONGEST_WORD = 24;

  /** The line; long names are cut. */
  public String text() {
    return String.format(
        Locale.ROOT,
        "%s %s %d %s %.1f %.1f %.1f %d",
        cut(name, LONGEST_NAME),
        cut(version, LONGEST_WORD),
        startedMs,
        cut(mode, LONGEST_WORD),
        requests,
        refused,
        failed,
        inFlight);
  }

  private static String cut(String text, int most) {
    String word = text.isBlank() ? "-" : text.replaceAll("\\s", "_");
    return word.substring(0, Math.min(most, word.length()));
  }

  /**
   * Replicas in the order of their names, as JSON. What a line lacks is {@code null}: another
   * version wrote it.
   *
   * @param lines by id; of many replicas only 200 are shown
   */
  public static ArrayNode json(Map<String, String> lines) {
    ArrayNode all = JsonNodeFactory.instance.arrayNode();
    lines.entrySet().stream()
        .sorted(
            Map.Entry.<String, String>comparingByValue().thenComparing(Map.Entry.comparingByKey()))
        .limit(MOST_REPLICAS)
        .forEach(each -> add(all.addObject(), each.getKey(), each.getValue()));
    return all;
  }

  private static void add(ObjectNode replica, String id, String line) {
    List<String> words = line.isEmpty() ? List.of() : List.of(line.split(" ", -1));
    replica.put("id", id);
    replica.put("name", word(words, 0));
    replica.put("version", word(words, 1));
    replica.put("started", started(words));
    replica.put("mode", word(words, 3));
    replica.put(REQUESTS, number(words, 4));
    replica.put(REFUSED, number(words, 5));
    replica.put(FAILED, number(words, 6));
    replica.put(IN_FLIGHT, number(words, 7));
  }

  /**
   * The sums over replicas, and of how many: those that told theirs.
   *
   * @param replicas as {@link #json} gives them
   */
  public static ObjectNode sums(JsonNode replicas) {
    ObjectNode sums = JsonNodeFactory.instance.objectNode();
    int told = 0;
    for (JsonNode replica : replicas) {
      told += replica.path(IN_FLIGHT).isNumber() ? 1 : 0;
    }
    sums.put("replicas", told);
    for (String field : SUMMED) {
      BigDecimal sum = BigDecimal.ZERO;
      for (JsonNode replica : replicas) {
        sum = sum.add(replica.path(field).decimalValue());
      }
      sums.put(field, sum);
    }
    return sums;
  }

  private static @Nullable String word(List<String> words, int index) {
    return index < words.size() ? words.get(index) : null;
  }

  private static @Nullable BigDecimal number(List<String> words, int index) {
    String word = word(words, index);
    return word != null && NUMBER.matcher(word).matches() ? new BigDecimal(word) : null;
  }

  private static @Nullable String started(List<String> words) {
    BigDecimal ms = number(words, 2);
    return ms == null
        ? null
        : Instant.ofEpochMilli(ms.longValue()).truncatedTo(ChronoUnit.SECONDS).toString();
  }
}
