package relay.operate;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import relay.operate.Grid.Cell;
import relay.operate.Grid.Style;
import relay.pool.ConfigLine;

/** The state of pools as a table for people. */
final class PoolTable {
  private static final int BAR = 10;
  private static final double ALMOST_FULL = 0.8;
  private static final List<String> DIMENSIONS = List.of("rpm", "itpm", "otpm", "tpm");

  private final TerminalFeatures terminal;

  PoolTable(TerminalFeatures terminal) {
    this.terminal = terminal;
  }

  /** The table of what {@code GET /pools} gives. */
  String of(JsonNode all) {
    StringBuilder text = new StringBuilder();
    if (all.has("config")) {
      text.append(ConfigLine.of(all)).append('\n');
    }
    for (JsonNode pool : all.path("pools")) {
      text.append(text.isEmpty() ? "" : "\n").append(title(pool)).append('\n');
      text.append(groups(pool)).append(footnote(pool)).append('\n').append(keys(pool));
    }
    return text.toString();
  }

  private static String title(JsonNode pool) {
    JsonNode next = pool.path("next_capacity_ms");
    String capacity =
        next.isNull()
            ? "no key can be used: restore one"
            : next.asLong() == 0 ? "capacity now" : "capacity in " + duration(next);
    return pool.path("name").asText()
        + "  ("
        + pool.path("strategy").asText()
        + ", window "
        + duration(pool.path("window_ms"))
        + ", "
        + capacity
        + breaker(pool.path("breaker"))
        + ")"
        + age(pool);
  }

  /** Empty while Redis answers. */
  private static String age(JsonNode pool) {
    long age = pool.path("age_ms").asLong();
    return age == 0
        ? ""
        : "\nRedis does not answer: as of "
            + duration(pool.path("age_ms"))
            + " ago, mode "
            + pool.path("mode").asText();
  }

  /** Empty while the breaker is closed. */
  private static String breaker(JsonNode breaker) {
    String next = " in " + duration(breaker.path("next_try_ms"));
    return switch (breaker.path("state").asText()) {
      case "open" -> ", provider fails: breaker open, next try" + next;
      case "half_open" -> ", provider failed: one request tries it, another one" + next;
      default -> "";
    };
  }

  private String groups(JsonNode pool) {
    Grid grid = new Grid(terminal.colours());
    List<JsonNode> groups = list(pool.path("groups"));
    // Few providers limit the sum of input and output tokens.
    boolean tpm = groups.stream().anyMatch(g -> !g.path("limits").path("tpm").isNull());
    List<String> dimensions = tpm ? DIMENSIONS : DIMENSIONS.subList(0, 3);
    List<Cell> head = new ArrayList<>();
    head.add(faint("group"));
    dimensions.forEach(d -> head.addAll(List.of(faint(d), faint(""))));
    head.addAll(List.of(faint("in flight"), faint("cooldown")));
    grid.add(head);
    for (JsonNode group : groups) {
      List<Cell> row = new ArrayList<>();
      row.add(Cell.of(group.path("id").asText()));
      dimensions.forEach(d -> row.addAll(usage(group, d)));
      row.add(Cell.of(group.path("in_flight").asText()));
      row.add(cooldown(group));
      grid.add(row);
    }
    return grid.lines();
  }

  /** A bar, and used/limit. */
  private List<Cell> usage(JsonNode group, String dimension) {
    long used = group.path("used").path(dimension).asLong();
    JsonNode limit = group.path("limits").path(dimension);
    if (limit.isNull() || limit.asLong() == 0) {
      return List.of(Cell.of(""), Cell.of(used + "/-"));
    }
    double share = Math.clamp((double) used / limit.asLong(), 0, 1);
    // Rounded down: a full bar is a full limit.
    int filled = (int) (share * BAR);
    String bar =
        (terminal.blocks() ? "█" : "#").repeat(filled)
            + (terminal.blocks() ? "░" : ".").repeat(BAR - filled);
    return List.of(
        new Cell(bar, share < ALMOST_FULL ? Style.GREEN : Style.YELLOW),
        Cell.of(used + "/" + limit.asLong() + (isLearned(group, dimension) ? "*" : "")));
  }

  /** True if the limit in force comes from the provider's headers. */
  private static boolean isLearned(JsonNode group, String dimension) {
    JsonNode learned = group.path("learned").path(dimension);
    return learned.isNumber() && learned.asLong() == group.path("limits").path(dimension).asLong();
  }

  private static String footnote(JsonNode pool) {
    StringBuilder notes = new StringBuilder();
    boolean learned = false;
    for (JsonNode group : pool.path("groups")) {
      for (String dimension : DIMENSIONS) {
        learned |= isLearned(group, dimension);
      }
      double burst = group.path("burst").asDouble(1);
      if (burst < 1) {
        notes.append(
            "  %s: %.0f %% of its burst, because the provider refuses larger ones\n"
                .formatted(group.path("id").asText(), Math.max(1, burst * 100)));
      }
    }
    return (learned ? "  * as the provider's answers state it\n" : "") + notes;
  }

  private String keys(JsonNode pool) {
    Grid grid = new Grid(terminal.colours());
    grid.add(
        Stream.of("key", "account", "status", "in flight", "cooldown", "reason")
            .map(PoolTable::faint)
            .toList());
    for (JsonNode key : pool.path("keys")) {
      String status = key.path("status").asText();
      long most = key.path("max_concurrent").asLong();
      grid.add(
          List.of(
              Cell.of(key.path("id").asText()),
              Cell.of(key.path("account").asText()),
              new Cell(status, style(status)),
              Cell.of(key.path("in_flight").asText() + (most > 0 ? "/" + most : "")),
              cooldown(key),
              Cell.of(key.path("reason").isNull() ? "" : key.path("reason").asText())));
    }
    return grid.lines();
  }

  private static Style style(String status) {
    return switch (status) {
      case "active" -> Style.GREEN;
      case "cooling" -> Style.YELLOW;
      case "quarantined" -> Style.RED;
      default -> Style.PLAIN;
    };
  }

  private static Cell cooldown(JsonNode keyOrGroup) {
    JsonNode millis = keyOrGroup.path("cooldown_ms");
    return millis.asLong() == 0 ? faint("-") : new Cell(duration(millis), Style.YELLOW);
  }

  private static Cell faint(String text) {
    return new Cell(text, Style.FAINT);
  }

  private static String duration(JsonNode millis) {
    return Durations.text(millis.asLong());
  }

  private static List<JsonNode> list(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).toList();
  }
}
