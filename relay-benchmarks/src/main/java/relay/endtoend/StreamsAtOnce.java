package relay.endtoend;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Opens thousands of streams at once, over each protocol to the provider, and tells what becomes of
 * them.
 */
public final class StreamsAtOnce {
  private static final int KEYS = 8;
  private static final int WARM_UP_ROUNDS = 3;

  /** As fast as the driver can. */
  private static final int AT_ONCE = 1_000_000;

  private StreamsAtOnce() {}

  /** Arguments: the report's file, the launcher, options. */
  public static void main(String... args) throws IOException, InterruptedException {
    Options.run(StreamsAtOnce::page, args);
  }

  private static String page(Options options) throws IOException {
    StringBuilder page = new StringBuilder();
    List<ProviderLine> wires =
        options.wire().isTls() ? List.of(options.wire()) : List.of(ProviderLine.values());
    List<Integer> numbers = new ArrayList<>(List.of(2_000, 5_000));
    if (options.share() < 1) {
      numbers = List.of(options.streams());
    }
    for (ProviderLine wire : wires) {
      try (Stage stage = new Stage(wire.command(options.launcher()), wire)) {
        if (page.isEmpty()) {
          page.append(head(stage.redis().version()));
        }
        for (int streams : numbers) {
          stage.clear(0);
          MeasuredReplica replica = stage.replica(KEYS);
          for (int round = 0; round < WARM_UP_ROUNDS; round++) {
            WarmUp.round(stage);
          }
          String line = line(wire, StreamCost.measure(stage, replica, streams, AT_ONCE));
          System.err.print(line);
          page.append(line);
        }
      }
    }
    return page.toString();
  }

  private static String head(String redisVersion) {
    return String.format(
        Locale.ROOT,
        """
        # Thousands of streams at once

        Written by `relay-benchmarks/run streams`; do not edit. Machine: %s. [How to read it](README.md#streams).

        | to the provider | streams | served | early ends | events/s | us an event | KiB a stream | delay p50, ms | p99, ms |
        |---|--:|--:|--:|--:|--:|--:|--:|--:|
        """,
        Machine.card(redisVersion));
  }

  private static String line(ProviderLine wire, StreamCost cost) {
    return String.format(
        Locale.ROOT,
        "| %s | %,d | %,d | %,d | %,.0f | %.1f | %.1f | %.2f | %.2f |%n",
        wire.label(),
        cost.streams(),
        cost.served(),
        cost.early(),
        cost.eventsPerSecond(),
        cost.microsPerEvent(),
        cost.kibPerStream(),
        cost.delayMedianMillis(),
        cost.delayP99Millis());
  }
}
