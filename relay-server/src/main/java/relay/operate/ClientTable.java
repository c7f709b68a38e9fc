package relay.operate;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;
import java.util.stream.StreamSupport;
import relay.operate.Grid.Cell;
import relay.operate.Grid.Style;

/** The clients as a table for people: what {@code GET /clients} gives. */
final class ClientTable {
  private static final List<String> DIMENSIONS = List.of("rpm", "itpm", "otpm", "tpm");
  private static final double ALMOST_FULL = 0.8;
  private static final String STANDARD = "standard";

  private final TerminalFeatures terminal;

  ClientTable(TerminalFeatures terminal) {
    this.terminal = terminal;
  }

  String of(JsonNode all) {
    List<JsonNode> clients =
        StreamSupport.stream(all.path("clients").spliterator(), false).toList();
    if (clients.isEmpty()) {
      return "No client is configured: nobody needs a credential.\n";
    }
    // Not every configuration has these.
    boolean priority =
        clients.stream().anyMatch(c -> !c.path("priority").asText(STANDARD).equals(STANDARD));
    boolean share = clients.stream().anyMatch(c -> c.path("share").asDouble(1) < 1);
    boolean ratio = clients.stream().anyMatch(c -> c.path("share_ratio").asDouble() > 0);
    boolean waiting = clients.stream().anyMatch(c -> c.path("waiting").asLong() > 0);
    boolean budgets = clients.stream().anyMatch(client -> !client.path("budgets").isEmpty());
    Grid grid = new Grid(terminal.colours());
    List<Cell> head = new ArrayList<>();
    head.add(faint("client"));
    DIMENSIONS.forEach(dimension -> head.add(faint(dimension)));
    head.addAll(List.of(faint("in flight"), faint("room")));
    head.add(faint(priority ? "priority" : ""));
    head.add(faint(share ? "share" : ""));
    head.add(faint(ratio ? "of its share" : ""));
    head.add(faint(waiting ? "waiting" : ""));
    head.add(faint(budgets ? "budgets" : ""));
    grid.add(head);
    for (JsonNode client : clients) {
      List<Cell> row = new ArrayList<>();
      row.add(Cell.of(client.path("name").asText()));
      DIMENSIONS.forEach(dimension -> row.add(use(client, dimension)));
      row.add(inFlight(client));
      row.add(room(client));
      row.add(Cell.of(priority ? client.path("priority").asText("") : ""));
      row.add(Cell.of(share ? percent(client.path("share").asDouble()) : ""));
      row.add(Cell.of(ratio ? percent(client.path("share_ratio").asDouble()) : ""));
      row.add(Cell.of(waiting ? client.path("waiting").asText("") : ""));
      row.add(Cell.of(budgets(client.path("budgets"))));
      grid.add(row);
    }
    long age = all.path("age_ms").asLong();
    return grid.lines() + (age == 0 ? "" : "as of " + Durations.text(age) + " ago\n");
  }

  /** Used, and of what if there is a limit. */
  private static Cell use(JsonNode client, String dimension) {
    long used = client.path("used").path(dimension).asLong();
    long limit = client.path("limits").path(dimension).asLong();
    return limit == 0 ? Cell.of(Long.toString(used)) : full(used, limit);
  }

  private static Cell inFlight(JsonNode client) {
    long now = client.path("in_flight").asLong();
    long most = client.path("limits").path("max_concurrent").asLong();
    return most == 0 ? Cell.of(Long.toString(now)) : full(now, most);
  }

  private static Cell full(long used, long limit) {
    return new Cell(used + "/" + limit, used < limit * ALMOST_FULL ? Style.PLAIN : Style.YELLOW);
  }

  /** When the client's own limits let its next request pass. */
  private static Cell room(JsonNode client) {
    long wait = client.path("next_capacity_ms").asLong();
    return wait == 0
        ? new Cell("now", Style.GREEN)
        : new Cell("in " + Durations.text(wait), Style.YELLOW);
  }

  private static String budgets(JsonNode budgets) {
    StringJoiner text = new StringJoiner(", ");
    for (JsonNode budget : budgets) {
      String unit = budget.has("usd") ? "usd" : "tokens";
      double whole = budget.path(unit).asDouble();
      double used = budget.path("used").asDouble();
      text.add(
          "%s of %s %s a %s%s"
              .formatted(
                  whole > 0 ? percent(used / whole) : "-",
                  budget.path(unit).asText(),
                  unit,
                  budget.path("rolling").asBoolean() ? "rolling " : "",
                  budget.path("per").asText()));
    }
    return text.toString();
  }

  private static String percent(double share) {
    return share > 0 && share < 0.005 // of 10,000 clients each has one
        ? "< 1 %"
        : String.format(Locale.ROOT, "%.0f %%", share * 100);
  }

  private static Cell faint(String text) {
    return new Cell(text, Style.FAINT);
  }
}
