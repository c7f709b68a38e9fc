package relay.endtoend;

import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import relay.endtoend.LeaseCost.AtRate;
import relay.load.LeaseLoop.Pairs;
import relay.load.Tally;

/** The results as Markdown. */
record LeasePage(
    String redisVersion,
    Options options,
    List<Burst.Measured> requests,
    List<Burst.Measured> pairs,
    List<Burst.Measured> keyed,
    List<AtRate> atRate,
    List<AtRate> keyedAtRate) {

  String text() {
    return String.format(
        Locale.ROOT,
        """
        # What a lease costs

        Written by `relay-benchmarks/run leases`; do not edit. Machine: %s. [How to read it](README.md#leases).

        ## Processor time

        A lease is an acquire and its settle, two calls; one replica with 8 keys, 64 connections. Microseconds, medians of %d rounds (least to most).

        | | Relay | Redis | calls of scripts | commands of Redis | driver and stand-in | a second |
        |---|--:|--:|--:|--:|--:|--:|
        %s
        %s
        %s

        A lease takes %.0f %% of the processor time of the proxied request in Relay, and %.0f %% with `idempotency_key`.

        ## Time

        1,000 leases a second, whatever becomes of those before; milliseconds from the moment at which a call was due. Each is settled 50 ms after it was
        acquired. Medians of %d runs (each run).

        | call | p50 | p99 |
        |---|--:|--:|
        %s
        %s
        %s
        %s

        A lease took %.2f calls of scripts, %.2f with `idempotency_key`.

        Other processes took up to %.0f %% of the machine while processor time was measured.
        """,
        Machine.card(redisVersion),
        options.rounds(),
        line("a proxied request of 2 KB", requests),
        line("a lease", pairs),
        line("a lease, with `idempotency_key`", keyed),
        share(pairs),
        share(keyed),
        options.rounds(),
        line("acquire", atRate, Pairs::acquires),
        line("acquire with `idempotency_key`", keyedAtRate, Pairs::acquires),
        line("settle", atRate, Pairs::settles),
        line("settle of those with `idempotency_key`", keyedAtRate, Pairs::settles),
        Median.of(atRate, AtRate::functionCalls),
        Median.of(keyedAtRate, AtRate::functionCalls),
        Burst.Measured.strangers(Stream.of(requests, pairs, keyed).flatMap(List::stream)));
  }

  private static String line(String what, List<Burst.Measured> runs) {
    return String.format(
        Locale.ROOT,
        "| %s | %s | %.1f | %,.0f |",
        what,
        Burst.Measured.cells(runs),
        Median.of(runs, run -> run.cost().otherMicros()),
        Median.of(runs, Burst.Measured::perSecond));
  }

  private double share(List<Burst.Measured> leases) {
    return 100
        * Median.of(leases, run -> run.cost().relayMicros())
        / Median.of(requests, run -> run.cost().relayMicros());
  }

  private static String line(String call, List<AtRate> runs, Function<Pairs, Tally> tally) {
    List<Tally> all = runs.stream().map(AtRate::pairs).map(tally).toList();
    return "| " + call + " | " + cell(all, 0.5) + " | " + cell(all, 0.99) + " |";
  }

  private static String cell(List<Tally> runs, double share) {
    return String.format(
        Locale.ROOT,
        "%.2f (%s)",
        Median.of(runs, run -> run.latencies().millis(share)),
        runs.stream()
            .map(run -> String.format(Locale.ROOT, "%.2f", run.latencies().millis(share)))
            .collect(Collectors.joining(", ")));
  }
}
