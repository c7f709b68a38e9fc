package relay.operate;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import relay.operate.Grid.Cell;
import relay.operate.Grid.Style;
import relay.pool.ConfigLine;

/** The state of pools as a table for people. */
final class PoolTable {
  private static final double ALMOST_FULL = 0.8;
  private static final List<String> DIMENSIONS =
      List.of("rpm", "itpm", "otpm", "tpm", "rpd", "tpd");
  private static final List<String> ALWAYS_SHOWN = List.of("rpm", "itpm", "otpm");

  /** From wide to narrow. */
  private static final List<Form> FORMS =
      List.of(
          new Form(10, Integer.MAX_VALUE, false),
          new Form(10, Integer.MAX_VALUE, true),
          new Form(6, Integer.MAX_VALUE, true),
          new Form(4, 24, true),
          new Form(3, 16, true),
          new Form(0, 12, true));

  /** A provider's whole bucket is learned as slightly less than 1. */
  private static final double WHOLE_BURST = 0.95;

  private final TerminalFeatures terminal;

  /**
   * How much room the table takes.
   *
   * @param bar columns of a bar
   * @param names columns of a name
   */
  private record Form(int bar, int names, boolean shortNumbers) {
    private static final String UNITS = "kMGT";

    /** At most four characters if it is short: 8100 is 8.1k, 450000 is 450k. */
    String number(long n) {
      if (!shortNumbers || n < 1_000) {
        return Long.toString(n);
      }
      double rest = n;
      int unit = -1;
      while (rest >= 1_000 && unit < UNITS.length() - 1) {
        rest /= 1_000;
        unit++;
      }
      // Rounded down: what is shown as full is full.
      double shown = rest < 10 ? Math.floor(rest * 10) / 10 : Math.floor(rest);
      String digits =
          shown == Math.rint(shown)
              ? Long.toString((long) shown)
              : String.format(Locale.ROOT, "%.1f", shown);
      return digits + UNITS.charAt(unit);
    }
  }

  PoolTable(TerminalFeatures terminal) {
    this.terminal = terminal;
  }

  /** The table of what {@code GET /pools} gives. */
  String of(JsonNode all) {
    StringBuilder text = new StringBuilder();
    if (all.has("config") || all.has("fleet")) {
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

  /** The widest form that fits the screen; the narrowest one if none does. */
  private String groups(JsonNode pool) {
    Grid grid = null;
    for (Form form : FORMS) {
      grid = groups(pool, form);
      if (grid.width() <= terminal.columns()) {
        break;
      }
    }
    return Objects.requireNonNull(grid).lines();
  }

  private Grid groups(JsonNode pool, Form form) {
    Grid grid = new Grid(terminal.colours());
    List<JsonNode> groups = list(pool.path("groups"));
    // Few providers limit the sum of input and output tokens, or a day.
    List<String> dimensions =
        DIMENSIONS.stream()
            .filter(
                d ->
                    ALWAYS_SHOWN.contains(d)
                        || groups.stream().anyMatch(g -> g.path("limits").path(d).isNumber()))
            .toList();
    List<Cell> head = new ArrayList<>();
    head.add(faint("group"));
    dimensions.forEach(
        d -> head.addAll(form.bar() > 0 ? List.of(faint(d), faint("")) : List.of(faint(d))));
    head.addAll(List.of(faint(form.shortNumbers() ? "run" : "in flight"), faint("cooldown")));
    grid.add(head);
    for (JsonNode group : groups) {
      List<Cell> row = new ArrayList<>();
      row.add(Cell.of(cut(group.path("id").asText(), form.names())));
      dimensions.forEach(d -> row.addAll(usage(group, d, form)));
      row.add(Cell.of(group.path("in_flight").asText()));
      row.add(cooldown(group));
      grid.add(row);
    }
    return grid;
  }

  /** A bar if there is room for one, and used/limit. */
  private List<Cell> usage(JsonNode group, String dimension, Form form) {
    List<Cell> cells = barAndNumbers(group, dimension, form);
    return form.bar() > 0 ? cells : List.of(cells.getLast());
  }

  private List<Cell> barAndNumbers(JsonNode group, String dimension, Form form) {
    long used = group.path("used").path(dimension).asLong();
    JsonNode limit = group.path("limits").path(dimension);
    if (limit.asLong() == 0) {
      return List.of(Cell.of(""), Cell.of(form.number(used) + "/-"));
    }
    double share = Math.clamp((double) used / limit.asLong(), 0, 1);
    // Rounded down: a full bar is a full limit.
    int filled = (int) (share * form.bar());
    String bar =
        (terminal.blocks() ? "█" : "#").repeat(filled)
            + (terminal.blocks() ? "░" : ".").repeat(form.bar() - filled);
    String mark = isLearned(group, dimension) ? "*" : "";
    return List.of(
        new Cell(bar, share < ALMOST_FULL ? Style.GREEN : Style.YELLOW),
        Cell.of(form.number(used) + "/" + form.number(limit.asLong()) + mark));
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
      if (burst < WHOLE_BURST) {
        notes.append(
            "  %s: %.0f %% of its burst, because the provider admits no more at once\n"
                .formatted(group.path("id").asText(), Math.max(1, burst * 100)));
      }
      if (pool.path("accounting").asText().equals("auto")) {
        notes.append(
            "  %s: %s, since %s\n"
                .formatted(
                    group.path("id").asText(),
                    group.path("rule").asText(),
                    group.path("why").asText()));
      }
    }
    return (learned ? "  * as the provider's answers state it\n" : "") + notes;
  }

  private String keys(JsonNode pool) {
    Grid grid = null;
    for (Form form : FORMS) {
      grid = keys(pool, form);
      if (grid.width() <= terminal.columns()) {
        break;
      }
    }
    return Objects.requireNonNull(grid).lines();
  }

  private Grid keys(JsonNode pool, Form form) {
    Grid grid = new Grid(terminal.colours());
    boolean hasSince =
        form.names() == Integer.MAX_VALUE
            && list(pool.path("keys")).stream().anyMatch(key -> key.has("since"));
    grid.add(
        Stream.of("key", "account", "status", "in flight", "cooldown", "since", "reason")
            .filter(name -> hasSince || !name.equals("since"))
            .map(PoolTable::faint)
            .toList());
    for (JsonNode key : pool.path("keys")) {
      String status = key.path("status").asText();
      long most = key.path("max_concurrent").asLong();
      List<Cell> row = new ArrayList<>();
      row.add(Cell.of(cut(key.path("id").asText(), form.names())));
      row.add(Cell.of(cut(key.path("account").asText(), form.names())));
      row.add(new Cell(status, style(status)));
      row.add(Cell.of(key.path("in_flight").asText() + (most > 0 ? "/" + most : "")));
      row.add(cooldown(key));
      if (hasSince) {
        row.add(Cell.of(key.path("since").asText()));
      }
      String reason = key.path("reason").isNull() ? "" : key.path("reason").asText();
      row.add(Cell.of(cut(reason, form.names())));
      grid.add(row);
    }
    return grid;
  }

  private static String cut(String text, int most) {
    return text.length() <= most ? text : text.substring(0, most - 1) + "~";
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
