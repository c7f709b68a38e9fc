package relay.operate;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import relay.pool.QuarantineReason;

/** What {@code relay describe} says of a key of {@code GET /pools}. */
final class KeyDescription {
  private static final int WHOLE = 100;

  private KeyDescription() {}

  static String of(JsonNode pool, JsonNode key) {
    StringBuilder text = new StringBuilder();
    String reason = key.path("reason").isNull() ? "" : ": " + key.path("reason").asText();
    line(text, "key", key.path("id").asText() + " of pool " + pool.path("name").asText());
    line(text, "status", key.path("status").asText() + reason);
    if (key.has("since")) {
      line(text, "since", key.path("since").asText());
    }
    line(text, "next", next(pool, key));
    long most = key.path("max_concurrent").asLong();
    line(
        text,
        "in flight",
        key.path("in_flight").asText() + (most > 0 ? " of " + most + " at once" : ""));
    line(
        text,
        "order",
        "priority %s, weight %s, strategy %s"
            .formatted(
                key.path("priority").asText(),
                key.path("weight").asText(),
                pool.path("strategy").asText()));
    String account = key.path("account").asText();
    line(text, "account", account + shared(pool, key, account));
    for (JsonNode group : pool.path("groups")) {
      if (group.path("account").asText().equals(account)) {
        line(text, group.path("model_class").asText(), use(group));
      }
    }
    return text.toString();
  }

  private static void line(StringBuilder text, String name, String value) {
    text.append("%-11s %s%n".formatted(name, value));
  }

  private static String next(JsonNode pool, JsonNode key) {
    String restore =
        "relay restore %s %s".formatted(pool.path("name").asText(), key.path("id").asText());
    return switch (key.path("status").asText()) {
      case "quarantined" -> ending(key) + "`" + restore + "`";
      case "cooling" -> "used again in " + Durations.text(key.path("cooldown_ms").asLong());
      case "draining" -> "it has left the config, and goes after its last request";
      default -> "gets requests";
    };
  }

  /** What ends a quarantine but an operator. */
  private static String ending(JsonNode key) {
    String reason = key.path("reason").asText();
    long tries = key.path("probes").asLong();
    String soon =
        key.has("next_probe_ms")
            ? " in " + Durations.text(key.path("next_probe_ms").asLong())
            : " at times";
    String before =
        tries == 0 ? "" : tries == 1 ? ", after 1 try" : ", after %d tries".formatted(tries);
    if (QuarantineReason.mayBeProbed(reason)) {
      return "Relay probes it%s%s, and uses it again when the provider accepts it; or "
          .formatted(soon, before);
    }
    if (QuarantineReason.isSpendLimit(reason)) {
      return "Relay lets a request try it%s%s; or ".formatted(soon, before);
    }
    return QuarantineReason.end(reason)
        .map(end -> "used again at %s; or ".formatted(end))
        .orElse("used again when an operator restores it: ");
  }

  private static String shared(JsonNode pool, JsonNode key, String account) {
    List<String> others = new ArrayList<>();
    for (JsonNode other : pool.path("keys")) {
      if (!other.equals(key) && other.path("account").asText().equals(account)) {
        others.add(other.path("id").asText());
      }
    }
    return others.isEmpty() ? "" : ", which shares its limits with " + String.join(", ", others);
  }

  /** The used part of each limit. */
  private static String use(JsonNode group) {
    List<String> parts = new ArrayList<>();
    for (var limit : group.path("limits").properties()) {
      long most = limit.getValue().asLong();
      long used = group.path("used").path(limit.getKey()).asLong();
      if (most > 0) {
        parts.add("%s %d of %d (%d %%)".formatted(limit.getKey(), used, most, WHOLE * used / most));
      }
    }
    long cooldown = group.path("cooldown_ms").asLong();
    return (parts.isEmpty() ? "no limits are known" : String.join(", ", parts))
        + (cooldown > 0 ? "; the provider refused: cools for " + Durations.text(cooldown) : "")
        + (group.has("rule")
            ? "; %s, since %s".formatted(group.path("rule").asText(), group.path("why").asText())
            : "");
  }
}
