package relay.trial;

import static java.util.stream.Collectors.joining;

import java.util.ArrayList;
import java.util.List;
import relay.trial.TrialResult.AccountResult;
import relay.trial.load.LoadTally;
import relay.trial.load.RetryProbe;

/** The result of a run as text. Pure. */
final class Summary {
  private static final int LABEL = 16;
  private static final int VALUE = 9;

  private final Style style;

  Summary(Style style) {
    this.style = style;
  }

  List<String> draw(TrialResult measured) {
    List<String> lines = new ArrayList<>(shares(measured.accounts()));
    lines.add("");
    lines.addAll(promises(measured));
    lines.addAll(facts(measured));
    lines.add("");
    lines.add(verdict(measured));
    if (!measured.capacityHolds() && measured.machineWasBusy()) {
      lines.add(
          style.dim(
              "    The load came up to "
                  + measured.load().lateMs()
                  + " ms late: this machine was busy. Try again when it is not."));
    }
    return lines;
  }

  /** The head of a table. */
  String head(String first, List<String> columns, String note) {
    String right = columns.stream().map(name -> Figures.right(name, 10)).collect(joining());
    return "  " + style.bold(Figures.left(first, 14)) + style.dim(right + note);
  }

  /** A table of the accounts' used shares. */
  List<String> shares(List<AccountResult> accounts) {
    List<String> lines = new ArrayList<>();
    lines.add("");
    lines.add(
        head("used share", List.of("requests", "input", "output"), "   by the provider's log"));
    for (AccountResult account : accounts) {
      lines.add(
          "  "
              + Figures.left(account.id(), 14)
              + share(account.requests(), account)
              + share(account.input(), account)
              + share(account.output(), account));
    }
    return lines;
  }

  private List<String> promises(TrialResult measured) {
    LoadTally.Counts load = measured.load();
    RetryProbe.Outcome probes = measured.probes();
    String exact =
        load.exact429() == load.relay429()
            ? "all with retry-after-ms"
            : Figures.count(load.exact429()) + " with a right retry-after-ms";
    List<String> lines = new ArrayList<>();
    lines.add(
        promise(
            measured.capacityHolds(),
            "capacity used",
            Figures.percent(measured.used()),
            "least of the limits that bind; promised 99 %"));
    lines.add(
        promise(
            measured.providerHolds(),
            "provider 429s",
            Figures.count(Math.max(measured.provider429(), load.upstream429())),
            "of " + Figures.count(load.granted()) + " requests that went to it"));
    lines.add(
        promise(measured.retryAfterHolds(), "relay 429s", Figures.count(load.relay429()), exact));
    lines.add(
        promise(
            probes.holds(),
            "exact to a slot",
            probes.granted() + " of " + probes.wanted(),
            probes.rounds() == probes.wanted()
                ? "granted at it; "
                    + probes.refused()
                    + " of "
                    + probes.wanted()
                    + " refused one slot before"
                : "only " + probes.rounds() + " probes came through in time"));
    lines.add(
        promise(
            measured.answersHold(),
            "errors",
            Figures.count(load.errors()),
            load.firstError().isEmpty() ? "" : "first: " + load.firstError()));
    return lines;
  }

  private List<String> facts(TrialResult measured) {
    LoadTally.Counts load = measured.load();
    long perSecond =
        Math.round(load.granted() * 1000.0 / Math.max(1, measured.loadFor().toMillis()));
    return List.of(
        fact(
            "throughput",
            perSecond + "/s",
            Figures.count(load.granted()) + " granted of " + Figures.count(load.sent()) + " sent"),
        fact(
            "longest pause",
            measured.flow().longestPause().toMillis() + " ms",
            "of the pool's flow; of any key's " + measured.longestPause().toMillis() + " ms"),
        fact(
            "each second",
            "",
            measured.flow().least() + " to " + measured.flow().most() + " granted"),
        fact("replicas", "", Figures.split(load.grantedByReplica())),
        fact(
            "keys",
            "",
            Figures.split(measured.accounts().stream().map(AccountResult::admitted).toList())),
        fact(
            "measured",
            Figures.seconds(measured.steady()),
            measured.steady().dividedBy(measured.window())
                + " windows, after "
                + Figures.seconds(measured.before())
                + " to fill the pool"));
  }

  private String verdict(TrialResult measured) {
    if (measured.promiseHolds()) {
      return "  " + style.good(style.glyphs().good() + " The promise holds.");
    }
    List<String> broken = new ArrayList<>();
    if (!measured.capacityHolds()) {
      broken.add("capacity was left unused");
    }
    if (!measured.providerHolds()) {
      broken.add("the provider had to say 429");
    }
    if (!measured.retryAfterHolds()) {
      broken.add("retry-after was not exact");
    }
    if (!measured.answersHold()) {
      broken.add("requests failed");
    }
    return "  "
        + style.bad(style.glyphs().bad() + " The promise did not hold: ")
        + String.join("; ", broken)
        + ".";
  }

  private String share(double share, AccountResult account) {
    String text = Figures.right(Figures.percent(share), 10);
    return share >= account.binding() ? style.bold(text) : text;
  }

  String promise(boolean holds, String label, String value, String note) {
    String mark = holds ? style.good(style.glyphs().good()) : style.bad(style.glyphs().bad());
    return line(mark, label, value, note);
  }

  String fact(String label, String value, String note) {
    return line(" ", label, value, note);
  }

  private String line(String mark, String label, String value, String note) {
    int room = style.width() - 4 - LABEL - VALUE - 3;
    String shown = note.length() > room ? note.substring(0, room) : note;
    return ("  "
            + mark
            + " "
            + Figures.left(label, LABEL)
            + (value.isEmpty() ? "" : style.bold(Figures.right(value, VALUE)) + "   ")
            + style.dim(shown))
        .stripTrailing();
  }
}
