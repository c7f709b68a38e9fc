package relay.e2e;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The table of {@code relay-benchmarks/FAULTS.md}: a line for all rows that read the same. */
final class FaultTable {
  private static final String ANY = "any";
  private static final String SAME = "same";
  private static final String NO_FAULT = "-";
  private static final int PLAIN_COLUMN = 5;
  private static final int COLUMNS = 4 + ProviderWire.values().length;

  private static final String INTRODUCTION =
      """
      # Faults of a provider

      Written by `FaultMatrixTest` (`-Dfaults.write=true`), which fails if a cell is wrong. Each cell is one request to a pool of
      three keys, each on its own account, with `max_attempts: 3`, at a provider of the column's protocol. [errors.md](../docs/errors.md) explains the rules.

      - **always**: the provider fails on every attempt. **once**: only the first attempt fails; the next gets a good answer (of a second provider if
        the first gives no connection).
      - **any**: the same for all dialects, forms or both of always and once. **same**: as over HTTP/1.1 without TLS. **-**: there is no such fault.
      - **What the client gets**: the status, the error's type and its origin. `aborted` is a broken connection, so the answer never looks
        complete. `+ event` is an SSE error event after the partial answer, with its origin.
      - **attempts**, over all providers. A request that is sent again because the provider refused its stream unseen is one attempt.
      - **charged**: requests, input and output tokens, over all attempts. `used` is the provider's count, `est.` the
        reservation (with or without a count).
      - **The keys**, and the failures that count for the provider's **breaker**.

      Until the first byte of an answer's body nothing has gone to the client: an answer that breaks before it ("break before body") is followed by
      the next attempt. Informational answers (1xx) are no sign of life. A status that HTTP does not have (negative, below 100, above 599) is no answer:
      by RFC 9110, section 15, it is treated as a failure of the server, and does not reach the client.

      Kept connections, exhausted streams and "goaway between requests" need an earlier request on the same connection; its charge is left out.

      | fault | dialect | form | when | HTTP/1.1 | TLS, HTTP/1.1 | TLS, HTTP/2 |
      |---|---|---|---|---|---|---|
      """;

  private FaultTable() {}

  /** One fault at one kind of request. */
  record Row(ProviderFault fault, AnswerForm form, boolean always) {
    private List<String> names() {
      return List.of(
          form.dialect().name().toLowerCase(Locale.ROOT),
          form.stream() ? "SSE" : "JSON",
          always ? "always" : "once");
    }
  }

  /** One row over one protocol. */
  record Cell(Row row, ProviderWire wire) {}

  static List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    for (ProviderFault fault : ProviderFault.values()) {
      for (AnswerForm form : AnswerForm.all()) {
        if (!fault.hasEarlier()) {
          rows.add(new Row(fault, form, true));
        }
        rows.add(new Row(fault, form, false));
      }
    }
    return rows;
  }

  /** A line of the table: rows with some of the names. */
  private record Line(ProviderFault fault, List<String> names, String cells) {
    boolean holds(Row row) {
      return fault == row.fault() && covers(row.names());
    }

    private boolean covers(List<String> others) {
      for (int n = 0; n < names.size(); n++) {
        if (!names.get(n).equals(ANY) && !names.get(n).equals(others.get(n))) {
          return false;
        }
      }
      return true;
    }

    /** Both as one line; null if they differ in more than one name, or in their cells. */
    @Nullable Line with(Line other, int name) {
      List<String> joined = new ArrayList<>(names);
      joined.set(name, ANY);
      List<String> others = new ArrayList<>(other.names);
      others.set(name, ANY);
      boolean joins = fault == other.fault && cells.equals(other.cells) && joined.equals(others);
      return joins ? new Line(fault, joined, cells) : null;
    }

    String text() {
      return "| " + fault.label() + " | " + String.join(" | ", names) + " |" + cells;
    }
  }

  /** The page with these cells. */
  static String page(Map<Cell, String> cells) {
    List<Line> lines = new ArrayList<>();
    for (Row row : rows()) {
      StringBuilder text = new StringBuilder();
      String plain = cells.get(new Cell(row, ProviderWire.PLAIN));
      for (ProviderWire wire : ProviderWire.values()) {
        String cell = cells.getOrDefault(new Cell(row, wire), NO_FAULT);
        text.append(' ').append(wire.isTls() && cell.equals(plain) ? SAME : cell).append(" |");
      }
      lines.add(new Line(row.fault(), row.names(), text.toString()));
    }
    for (int name = 0; name < 3; name++) {
      join(lines, name);
    }
    StringBuilder page = new StringBuilder(INTRODUCTION);
    lines.forEach(line -> page.append(line.text()).append('\n'));
    return page.toString();
  }

  private static void join(List<Line> lines, int name) {
    for (int n = 0; n < lines.size(); n++) {
      for (int other = n + 1; other < lines.size(); other++) {
        Line joined = lines.get(n).with(lines.get(other), name);
        if (joined != null) {
          lines.set(n, joined);
          lines.remove(other);
          break;
        }
      }
    }
  }

  /** What a page says of each cell. */
  static Map<Cell, String> read(Path page) throws IOException {
    List<Line> lines = new ArrayList<>();
    for (String text : Files.readAllLines(page)) {
      String[] parts = text.split(" *\\| *", -1);
      for (ProviderFault fault : ProviderFault.values()) {
        if (parts.length > COLUMNS && parts[1].equals(fault.label())) {
          lines.add(new Line(fault, List.of(parts[2], parts[3], parts[4]), text));
        }
      }
    }
    Map<Cell, String> cells = new HashMap<>();
    for (Row row : rows()) {
      for (Line line : lines) {
        if (line.holds(row)) {
          String[] parts = line.cells().split(" *\\| *", -1);
          int column = PLAIN_COLUMN;
          for (ProviderWire wire : ProviderWire.values()) {
            String cell = parts[column++];
            cells.put(new Cell(row, wire), cell.equals(SAME) ? parts[PLAIN_COLUMN] : cell);
          }
        }
      }
    }
    return cells;
  }
}
