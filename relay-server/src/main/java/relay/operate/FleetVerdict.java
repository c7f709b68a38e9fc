package relay.operate;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Whether the pools of {@code GET /pools} can do their work, a line of how full each is, and one of
 * each replica.
 */
record FleetVerdict(List<String> problems, List<String> pools, List<String> replicas) {
  private static final int SHOWN = 5;
  private static final int WHOLE = 100;

  FleetVerdict {
    problems = List.copyOf(problems);
    pools = List.copyOf(pools);
    replicas = List.copyOf(replicas);
  }

  static FleetVerdict of(JsonNode all) {
    List<String> problems = new ArrayList<>();
    for (JsonNode fault : all.at("/config/refused")) {
      problems.add("the config on disk is refused, and an earlier one runs: " + fault.asText());
    }
    List<String> pools = new ArrayList<>();
    for (JsonNode pool : all.path("pools")) {
      problemsOf(pool, problems);
      pools.add(line(pool));
    }
    return new FleetVerdict(problems, pools, ReplicaTable.lines(all.path("replicas")));
  }

  boolean isHealthy() {
    return problems.isEmpty();
  }

  /** The verdict first. */
  String text() {
    String first =
        isHealthy()
            ? "healthy"
            : problems.size() + (problems.size() == 1 ? " problem" : " problems");
    StringBuilder text = new StringBuilder(first).append('\n');
    problems.forEach(problem -> text.append("  ").append(problem).append('\n'));
    text.append('\n');
    pools.forEach(pool -> text.append(pool).append('\n'));
    if (!replicas.isEmpty()) {
      text.append('\n');
      replicas.forEach(replica -> text.append(replica).append('\n'));
    }
    return text.toString();
  }

  /** An object with {@code healthy}, and the lines of the text. */
  String json() {
    ObjectNode all = JsonNodeFactory.instance.objectNode().put("healthy", isHealthy());
    problems.forEach(all.putArray("problems")::add);
    pools.forEach(all.putArray("pools")::add);
    replicas.forEach(all.putArray("replicas")::add);
    return all + "\n";
  }

  private static void problemsOf(JsonNode pool, List<String> problems) {
    String name = "pool " + pool.path("name").asText() + ": ";
    long age = pool.path("age_ms").asLong();
    if (age > 0) {
      problems.add(
          "%sRedis has not answered for %s; %s decides"
              .formatted(name, Durations.text(age), pool.path("mode").asText()));
    }
    String breaker = pool.at("/breaker/state").asText();
    if (breaker.equals("open") || breaker.equals("half_open")) {
      problems.add(
          "%sthe provider fails, so its breaker is %s; next try in %s"
              .formatted(name, breaker, Durations.text(pool.at("/breaker/next_try_ms").asLong())));
    }
    List<JsonNode> out = with(pool, "quarantined");
    if (!out.isEmpty()) {
      int all = pool.path("keys").size();
      problems.add(
          "%s%d of %d keys %s quarantined: %s%s"
              .formatted(
                  name,
                  out.size(),
                  all,
                  out.size() == 1 ? "is" : "are",
                  out.stream()
                      .limit(SHOWN)
                      .map(FleetVerdict::named)
                      .collect(Collectors.joining(", ")),
                  out.size() > SHOWN ? " and %d more".formatted(out.size() - SHOWN) : ""));
    }
    for (JsonNode warning : pool.path("warnings")) {
      problems.add(name + warning(warning));
    }
  }

  private static String warning(JsonNode warning) {
    return warning.path("code").asText().equals("one_organization")
        ? "accounts %s are one organisation by the provider's answers; give them one `account`"
            .formatted(
                StreamSupport.stream(warning.path("accounts").spliterator(), false)
                    .map(JsonNode::asText)
                    .collect(Collectors.joining(", ")))
        : warning.path("code").asText();
  }

  private static String named(JsonNode key) {
    String since = key.has("since") ? ", since " + key.path("since").asText() : "";
    JsonNode reason = key.path("reason");
    return key.path("id").asText()
        + (reason.isTextual() ? " (" + reason.asText() + since + ")" : "");
  }

  private static List<JsonNode> with(JsonNode pool, String status) {
    return StreamSupport.stream(pool.path("keys").spliterator(), false)
        .filter(key -> key.path("status").asText().equals(status))
        .toList();
  }

  private static String line(JsonNode pool) {
    JsonNode next = pool.path("next_capacity_ms");
    String capacity =
        next.isNull()
            ? "no key can be used"
            : next.asLong() == 0 ? "capacity now" : "capacity in " + Durations.text(next.asLong());
    String keys =
        Stream.of("active", "cooling", "quarantined", "draining")
            .filter(status -> !with(pool, status).isEmpty())
            .map(status -> with(pool, status).size() + " " + status)
            .collect(Collectors.joining(", "));
    return "%s: %s; keys: %s%s"
        .formatted(pool.path("name").asText(), capacity, keys, fullest(pool));
  }

  /** The limit of which most is used; empty without limits. */
  private static String fullest(JsonNode pool) {
    double most = -1;
    String which = "";
    for (JsonNode group : pool.path("groups")) {
      for (var limit : group.path("limits").properties()) {
        double share =
            group.path("used").path(limit.getKey()).asDouble() / limit.getValue().asDouble();
        if (limit.getValue().asDouble() > 0 && share > most) {
          most = share;
          which = limit.getKey() + " of " + group.path("id").asText();
        }
      }
    }
    return most < 0 ? "" : "; fullest limit: %s, %d %%".formatted(which, (int) (most * WHOLE));
  }
}
