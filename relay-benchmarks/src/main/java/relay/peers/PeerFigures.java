package relay.peers;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import relay.trial.load.LoadTally;
import relay.trial.provider.Flow;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.AccountStats;
import relay.trial.provider.ProviderSimulator.Dimension;
import relay.trial.provider.ProviderSimulator.Stats;

/**
 * What a gateway made of the traffic, over the measured time.
 *
 * @param used share of the accounts' limits, by the provider's log
 * @param admitted calls that the provider admitted
 * @param refused calls that it refused
 * @param flow of the admitted ones
 * @param load what the clients saw
 * @param toldMs the retry times that they got
 */
record PeerFigures(
    double used, long admitted, long refused, Flow flow, LoadTally.Counts load, List<Long> toldMs) {
  private static final int MOST_ERROR_CHARACTERS = 200;

  /** A load that comes later than this is not even any more: a hundredth of a window. */
  private static final long LATE_MS = Traffic.WINDOW.toMillis() / 100;

  /**
   * The figures of [from, to).
   *
   * @param before the provider's counts at the start of the time
   * @param after its counts at the end of it
   */
  static PeerFigures of(
      ProviderSimulator provider,
      Stats before,
      Stats after,
      long fromNanos,
      long toNanos,
      LoadTally.Counts load,
      List<Long> toldMs) {
    double used =
        after.accounts().stream()
            .map(AccountStats::account)
            .mapToDouble(id -> provider.usedShare(id, Dimension.REQUESTS, fromNanos, toNanos))
            .average() // all have one limit
            .orElse(0);
    return new PeerFigures(
        used,
        after.admitted() - before.admitted(),
        after.refused() - before.refused(),
        provider.flow(fromNanos, toNanos),
        load,
        toldMs);
  }

  /** A row of the table; a cell is empty where nothing can be said. */
  String row(String label) {
    long refusedHere = load.relay429() + load.upstream429();
    List<Long> told = toldMs.stream().sorted().toList();
    return "| "
        + String.join(
            " | ",
            label,
            String.format(Locale.ROOT, "%.1f %%", 100 * used),
            share(1000, refused, admitted + refused),
            percent(told.size(), refusedHere),
            told.isEmpty() ? "" : times(told),
            percent(load.retriedGranted(), load.retried()),
            flow.least()
                + " to "
                + flow.most()
                + ", pause "
                + seconds(flow.longestPause().toMillis())
                + " s",
            count(load.granted()) + " of " + count(load.sent()))
        + " |";
  }

  /** What the row does not say. */
  List<String> notes(String label) {
    List<String> notes = new ArrayList<>();
    if (load.errors() > 0) {
      String first = load.firstError().replaceAll("[^ -~]", " ").strip();
      notes.add(
          "%s: %s requests failed in another way than by a 429. The first: %s"
              .formatted(
                  label,
                  count(load.errors()),
                  first.substring(0, Math.min(first.length(), MOST_ERROR_CHARACTERS))));
    }
    if (load.skipped() > 0) {
      notes.add(
          label + ": " + count(load.skipped()) + " requests were not sent: too many were open.");
    }
    if (load.lateMs() > LATE_MS) {
      notes.add(
          label + ": the load came up to " + load.lateMs() + " ms late, so this machine was busy.");
    }
    return notes;
  }

  private static String times(List<Long> sorted) {
    return DoubleStream.of(0.1, 0.5, 0.9)
            .mapToObj(share -> sorted.get((int) (share * sorted.size())))
            .map(PeerFigures::seconds)
            .collect(Collectors.joining(", "))
        + " s";
  }

  private static String seconds(long millis) {
    BigDecimal seconds = BigDecimal.valueOf(millis, 3);
    return seconds.round(new MathContext(2)).stripTrailingZeros().toPlainString();
  }

  private static String percent(long part, long whole) {
    return whole == 0 ? "" : share(100, part, whole) + " %";
  }

  private static String share(int of, long part, long whole) {
    return whole == 0 ? "" : Long.toString(Math.round((double) of * part / whole));
  }

  private static String count(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }
}
