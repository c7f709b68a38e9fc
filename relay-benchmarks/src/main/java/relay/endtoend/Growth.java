package relay.endtoend;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Measures the cost of a request with more keys, connections and replicas, and writes the report.
 */
public final class Growth {
  private static final int KEYS = 8;
  private static final int CONNECTIONS = 64;
  private static final List<Integer> OF_KEYS = List.of(1, 8, 64, 1_000);
  private static final List<Integer> OF_CONNECTIONS = List.of(10, 100, 1_000);
  private static final List<Integer> OF_REPLICAS = List.of(1, 2, 4);
  private static final List<Integer> OF_CLIENTS = List.of(10, 10_000);
  private static final Duration TIME = Duration.ofSeconds(2);

  private final Options options;
  private final StringBuilder page = new StringBuilder();

  private Growth(Options options) {
    this.options = options;
  }

  /** Arguments: the report's file, the launcher, options. */
  public static void main(String... args) throws IOException, InterruptedException {
    Options.run(options -> new Growth(options).page(), args);
  }

  private String page() throws IOException {
    try (Stage stage = new Stage(options.wire().command(options.launcher()), options.wire())) {
      head(stage.redis().version());
      section("Keys", "one replica, 64 connections");
      for (int keys : OF_KEYS) {
        replicas(stage, 1, keys, 0);
        measure(stage, keys, CONNECTIONS);
      }
      section("Connections", "one replica, 8 keys");
      replicas(stage, 1, KEYS, 0);
      for (int connections : OF_CONNECTIONS) {
        measure(stage, connections, connections);
      }
      section("Replicas", "on one Redis; 8 keys, 64 connections in all; of all replicas together");
      for (int replicas : OF_REPLICAS) {
        replicas(stage, replicas, KEYS, 0);
        measure(stage, replicas, CONNECTIONS);
      }
      section(
          "Clients",
          "with limits of their own, half of them with a budget, that ask by turns; three replicas,"
              + " 8 keys, 64 connections in all");
      for (int clients : OF_CLIENTS) {
        replicas(stage, 3, KEYS, clients);
        measure(stage, clients, CONNECTIONS);
      }
    }
    return page.toString();
  }

  private static void replicas(Stage stage, int number, int keys, int clients) throws IOException {
    stage.clear(clients);
    for (int n = 0; n < number; n++) {
      stage.replica(keys);
    }
    WarmUp.run(stage);
  }

  private void measure(Stage stage, int grown, int connections) throws IOException {
    Burst burst = Burst.small().connections(connections);
    List<Burst.Measured> runs = new ArrayList<>();
    for (int round = 0; round < options.rounds(); round++) {
      runs.add(burst.measure(stage, options.part(TIME)));
    }
    String line =
        String.format(
            Locale.ROOT,
            "| %,d | %s | %,.0f | %.0f %% |%n",
            grown,
            Burst.Measured.cells(runs),
            Median.of(runs, Burst.Measured::perSecond),
            Burst.Measured.strangers(runs.stream()));
    System.err.print(line);
    page.append(line);
  }

  private void head(String redisVersion) {
    page.append(
        String.format(
            Locale.ROOT,
            """
            # What a request costs as things grow

            Written by `relay-benchmarks/run growth`; do not edit. Machine: %s. [How to read it](README.md#growth).

            A request of 2 KB with a JSON answer, in a closed loop; microseconds of processor time, medians of %d bursts (least to most). The last column is the
            most that other processes took of the machine meanwhile.
            """,
            Machine.card(redisVersion),
            options.rounds()));
  }

  private void section(String what, String fixed) {
    page.append(
        String.format(
            Locale.ROOT,
            """

            ## %s

            %s.

            | %s | Relay | Redis | calls of scripts | commands of Redis | requests/s | others |
            |--:|--:|--:|--:|--:|--:|--:|
            """,
            what,
            Character.toUpperCase(fixed.charAt(0)) + fixed.substring(1),
            what.toLowerCase(Locale.ROOT)));
  }
}
