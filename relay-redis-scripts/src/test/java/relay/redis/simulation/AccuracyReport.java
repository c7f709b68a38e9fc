package relay.redis.simulation;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Renders the report that compares admission rules before simulated providers. Deterministic: the
 * same runs give the same page.
 */
final class AccuracyReport {
  static final List<Double> SIZES = List.of(0.001, 0.005, 0.02, 0.1, 0.3);
  private static final int[] REPLICAS = {1, 8};
  private static final String HEAD =
      """
      | gate | requests of 0.1 % of L | 0.5 % | 2 % | 10 % | 30 % |
      |---|---|---|---|---|---|
      """;

  /** A table row: an admission rule before a provider. */
  record Row(SimulatedTraffic.Kind kind, Cell.Enforced account, int replicas, Rule rule) {
    String table() {
      return String.format(
          "%s, %s, %s",
          kind.title, account.title, replicas == 1 ? "1 replica" : replicas + " replicas");
    }

    /** Whether the row stands in a table without the usual algorithms. */
    boolean isOursOnly() {
      return rule.ours != null
          && replicas == 8
          && account != Cell.Enforced.SECOND
          && account != Cell.Enforced.TOLD_LEFT
          && account != Cell.Enforced.TOLD_SECOND;
    }

    List<Cell> cells() {
      return SIZES.stream().map(s -> new Cell(kind, account, replicas, rule, s)).toList();
    }
  }

  private AccuracyReport() {}

  static List<Row> rows() {
    return all()
        .filter(
            row ->
                (row.isOursOnly() && row.account().isTold() == row.kind().isCompared())
                    || (row.kind().isCompared() && !row.account().isTold()))
        .toList();
  }

  private static Stream<Row> all() {
    return Arrays.stream(SimulatedTraffic.Kind.values())
        .flatMap(
            kind ->
                Arrays.stream(Cell.Enforced.values())
                    .flatMap(
                        account ->
                            Arrays.stream(REPLICAS)
                                .boxed()
                                .flatMap(
                                    n ->
                                        Arrays.stream(Rule.values())
                                            .map(rule -> new Row(kind, account, n, rule)))));
  }

  /**
   * The page.
   *
   * @param anew the rows to simulate; the other rows are copied from the old page
   */
  static String page(String introduction, Predicate<Row> anew, String oldPage) {
    Map<Row, String> lines =
        rows().parallelStream()
            .collect(
                Collectors.toMap(row -> row, row -> anew.test(row) ? line(row) : "", (a, _) -> a));
    Map<String, String> old = linesByTable(oldPage);
    StringBuilder page = new StringBuilder(introduction);
    page.append("\n## Burst of an idle group, in % of L\n\n");
    page.append(HEAD);
    for (Rule rule : Rule.values()) {
      page.append("| ").append(rule.title).append(" |");
      for (double size : SIZES) {
        page.append(atOnce(rule, size));
      }
      page.append("\n");
    }
    String table = "";
    for (Row row : rows()) {
      if (!row.table().equals(table)) {
        table = row.table();
        page.append("\n## ").append(table).append("\n\n").append(HEAD);
      }
      String line = lines.getOrDefault(row, "");
      page.append(line.isEmpty() ? old.getOrDefault(table + row.rule().title, "missing\n") : line);
    }
    return page.toString();
  }

  private static Map<String, String> linesByTable(String page) {
    Map<String, String> lines = new LinkedHashMap<>();
    String table = "";
    for (String line : page.lines().toList()) {
      if (line.startsWith("## ")) {
        table = line.substring(3);
      } else if (line.startsWith("| ")) {
        lines.put(table + line.substring(2, line.indexOf(" |")), line + "\n");
      }
    }
    return lines;
  }

  private static String atOnce(Rule rule, double size) {
    double one = rule.atOnce(size, 1);
    double eight = rule.atOnce(size, 8);
    return one == eight
        ? String.format(Locale.ROOT, " %.0f |", 100 * one)
        : String.format(Locale.ROOT, " %.0f, with 8 replicas %.0f |", 100 * one, 100 * eight);
  }

  private static String line(Row row) {
    return row.cells().stream()
        .map(cell -> text(Simulation.run(row.rule().gate(row.replicas()), cell)))
        .collect(Collectors.joining(" | ", "| " + row.rule().title + " | ", " |\n"));
  }

  private static String text(Outcome outcome) {
    return outcome.sent() == 0
        ? "nothing passes"
        : String.format(
            Locale.ROOT,
            "%.1f %% / %,d / %.1f s",
            100 * outcome.used(),
            outcome.perMillion(),
            outcome.pauseSeconds());
  }
}
