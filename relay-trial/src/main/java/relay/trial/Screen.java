package relay.trial;

import java.util.ArrayList;
import java.util.List;
import relay.trial.load.PoolView;
import relay.trial.load.PoolView.Group;
import relay.trial.load.PoolView.Usage;

/** Draws one moment of the run as text. Pure. */
final class Screen {
  private static final int NUMBERS = 13;
  private static final int LABEL = 10;
  private static final int NAME = 11;
  private static final int CELL_LABEL = 13;
  private static final int GAP = 3;

  /**
   * One moment of the run.
   *
   * @param phase the name of the phase, one or two words
   * @param grantedPerSecond of each replica, since the last moment
   */
  record Moment(
      String phase,
      long elapsedSeconds,
      long totalSeconds,
      PoolView pool,
      List<Long> grantedPerSecond,
      long granted,
      long provider429,
      long relay429) {}

  private final Style style;

  Screen(Style style) {
    this.style = style;
  }

  /** The whole picture, a line each. */
  List<String> draw(Moment moment) {
    List<String> lines = new ArrayList<>();
    String clock = moment.elapsedSeconds() + " s of " + moment.totalSeconds() + " s";
    lines.add("");
    lines.add(
        "  "
            + style.bold(Figures.left("relay try", NAME))
            + style.dim(Figures.left(moment.phase(), style.width() - NAME - 4 - clock.length()))
            + style.dim(clock));
    for (Group group : moment.pool().groups()) {
      lines.add("");
      lines.add(row(group.account(), "requests", group.requests(), false));
      lines.add(row("", "input", group.input(), true));
      lines.add(row(flight(group), "output", group.output(), true));
    }
    lines.add("");
    lines.addAll(footer(moment));
    lines.add("");
    return lines;
  }

  /** The same in one line, for an output other than a terminal. */
  String line(Moment moment) {
    StringBuilder line = new StringBuilder("  ");
    line.append(Figures.right(moment.elapsedSeconds() + " s", 5));
    for (Group group : moment.pool().groups()) {
      line.append("  ").append(group.account()).append(' ');
      line.append(Figures.right(Math.round(group.share() * 100) + " %", 5));
    }
    long perSecond = moment.grantedPerSecond().stream().mapToLong(Long::longValue).sum();
    return line.append("  ")
        .append(perSecond)
        .append("/s  429s: provider ")
        .append(moment.provider429())
        .append(", relay ")
        .append(Figures.count(moment.relay429()))
        .toString();
  }

  private String row(String name, String label, Usage usage, boolean tokens) {
    int columns = style.width() - 2 - NAME - LABEL - NUMBERS - 2;
    String numbers = numbers(usage, tokens);
    String shownName = Figures.left(name, NAME - 1) + " ";
    return "  "
        + (label.equals("requests") ? style.bold(shownName) : style.dim(shownName))
        + style.dim(Figures.left(label, LABEL))
        + style.bar(usage.share(), columns)
        + Figures.right(numbers, NUMBERS);
  }

  private static String numbers(Usage usage, boolean tokens) {
    if (usage.limit() == 0) {
      return "-"; // no limit is known
    }
    return tokens
        ? Figures.tokens(usage.used()) + " / " + Figures.tokens(usage.limit())
        : Figures.count(usage.used()) + " / " + Figures.count(usage.limit());
  }

  private static String flight(Group group) {
    return group.cooldownMs() > 0
        ? "cooling"
        : group.inFlight() == 0 ? "" : group.inFlight() + " open";
  }

  private List<String> footer(Moment moment) {
    List<Long> rates = moment.grantedPerSecond();
    String provider = cell("provider 429s", Figures.count(moment.provider429()), false);
    return List.of(
        "  "
            + cell("replica 1", rates.getFirst() + "/s", false)
            + cell("replica 2", rates.getLast() + "/s", false)
            + cell("in flight", Figures.count(moment.pool().inFlight()), true),
        "  "
            + (moment.provider429() == 0 ? provider : style.bad(provider))
            + cell("relay 429s", Figures.count(moment.relay429()), false)
            + cell("granted", Figures.count(moment.granted()), true));
  }

  private String cell(String label, String value, boolean last) {
    int columns = (style.width() - 4 - 2 * GAP) / 3;
    int room = last ? style.width() - 4 - 2 * (columns + GAP) : columns;
    String padded = Figures.right(value, Math.max(1, room - CELL_LABEL));
    return style.dim(Figures.left(label, CELL_LABEL)) + padded + (last ? "" : " ".repeat(GAP));
  }
}
