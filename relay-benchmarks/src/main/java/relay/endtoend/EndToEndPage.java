package relay.endtoend;

import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The results as Markdown. */
record EndToEndPage(
    String redisVersion,
    Options options,
    List<Double> starts,
    List<Double> idleMib,
    double loadedMib,
    List<Burst.Measured> small,
    List<Burst.Measured> large,
    List<Burst.Measured> events,
    List<EndToEnd.Added> added,
    StreamCost streams) {

  String text() {
    return head() + rest() + strangersLine();
  }

  /** The row of {@link RatioLedger}. */
  String ratios() {
    return String.format(
        Locale.ROOT,
        "%s | %.2f | %.2f | %.2f | %.2f | %.1f | %.2f | %.1f",
        options.wire().label(),
        ratio(small, Cost::relayMicros),
        ratio(small, Cost::redisMicros),
        ratio(large, Cost::relayMicros),
        ratio(events, Cost::relayMicros),
        Median.of(added, EndToEnd.Added::median) / Median.of(added, EndToEnd.Added::directMedian),
        Median.of(small, run -> run.cost().functionCalls()),
        streams.kibPerStream());
  }

  private static double ratio(List<Burst.Measured> runs, ToDoubleFunction<Cost> part) {
    return Median.of(runs, run -> part.applyAsDouble(run.cost()) / run.cost().otherMicros());
  }

  private String head() {
    return String.format(
        Locale.ROOT,
        """
        # What Relay costs, end to end

        Written by `relay-benchmarks/run end-to-end`; do not edit. Machine: %s. [How to read it](README.md#end-to-end).

        ## A request

        The provider speaks %s. Microseconds of processor time, medians of %d rounds (least to most).
        Every request is authenticated, scanned, estimated, granted by Redis on one of 8 keys, forwarded, relayed and settled.

        | request | Relay | Redis | calls of scripts | commands of Redis | driver and stand-in |
        |---|--:|--:|--:|--:|--:|
        %s
        %s
        %s
        """,
        Machine.card(redisVersion),
        options.wire().label(),
        options.rounds(),
        line("2 KB, JSON answer", small),
        line("50 KB, JSON answer", large),
        line("2 KB, 30 events back to back", events));
  }

  private String rest() {
    return String.format(
        Locale.ROOT,
        """

        | most requests a second, 64 connections | |
        |---|--:|
        | 2 KB, JSON answer | %s |
        | 2 KB, 30 events back to back (32 connections) | %s |

        ## Added time

        1,000 requests of 2 KB a second, whatever becomes of those before; milliseconds from the moment at which a request was due, beyond
        those of the same load without Relay in between. %d runs, each with one of either kind.

        | | added, median run | each run | without Relay |
        |---|--:|---|--:|
        | p50 | %.2f | %s | %.2f |
        | p99 | %.2f | %s | %.2f |

        ## Open streams

        | streams | events/s | us an event | KiB a stream | delay p50, ms | p99, ms |
        |--:|--:|--:|--:|--:|--:|
        | %,d | %,.0f | %.1f | %.1f | %.2f | %.2f |

        ## The process

        | | |
        |---|--:|
        | start: from the launch to the first answer, median of %d | %.0f ms |
        | resident memory, idle, a second after that | %.0f MiB |
        | resident memory after the load, before the streams | %.0f MiB |

        """,
        range(small),
        range(events),
        added.size(),
        Median.of(added, EndToEnd.Added::median),
        each(added.stream().map(EndToEnd.Added::median)),
        Median.of(added, EndToEnd.Added::directMedian),
        Median.of(added, EndToEnd.Added::p99),
        each(added.stream().map(EndToEnd.Added::p99)),
        Median.of(added, EndToEnd.Added::directP99),
        streams.streams(),
        streams.eventsPerSecond(),
        streams.microsPerEvent(),
        streams.kibPerStream(),
        streams.delayMedianMillis(),
        streams.delayP99Millis(),
        starts.size(),
        Median.of(starts),
        Median.of(idleMib),
        loadedMib);
  }

  private String strangersLine() {
    return String.format(
        Locale.ROOT,
        "Other processes took up to %.0f %% of the machine while requests were measured.%n",
        Burst.Measured.strangers(Stream.of(small, large, events).flatMap(List::stream)));
  }

  private static String line(String what, List<Burst.Measured> runs) {
    return String.format(
        Locale.ROOT,
        "| %s | %s | %.1f |",
        what,
        Burst.Measured.cells(runs),
        Median.of(runs, run -> run.cost().otherMicros()));
  }

  private static String range(List<Burst.Measured> runs) {
    return String.format(
        Locale.ROOT,
        "%,.0f (%,.0f to %,.0f)",
        Median.of(runs, Burst.Measured::perSecond),
        runs.stream().mapToDouble(Burst.Measured::perSecond).min().orElseThrow(),
        runs.stream().mapToDouble(Burst.Measured::perSecond).max().orElseThrow());
  }

  private static String each(Stream<Double> values) {
    return values
        .map(value -> String.format(Locale.ROOT, "%.2f", value))
        .collect(Collectors.joining(", "));
  }
}
