package relay.endtoend;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import relay.load.Latencies;
import relay.load.OpenLoop;
import relay.load.Question;

/** Measures Relay's cost from outside and writes the report. */
public final class EndToEnd {
  private static final int KEYS = 8;
  private static final int RATE = 1_000;
  private static final int STARTS_PER_SECOND = 1_000;
  private static final Duration SMALL = Duration.ofSeconds(2);
  private static final Duration OTHER = Duration.ofMillis(1_500);
  private static final Duration OPEN_WARM = Duration.ofMillis(500);
  private static final Duration OPEN = Duration.ofMillis(2_500);
  private static final Duration QUIET = Duration.ofSeconds(1);

  private final Options options;
  private final List<Double> starts = new ArrayList<>();
  private final List<Double> idleMib = new ArrayList<>();
  private final List<Burst.Measured> small = new ArrayList<>();
  private final List<Burst.Measured> large = new ArrayList<>();
  private final List<Burst.Measured> events = new ArrayList<>();
  private final List<Added> added = new ArrayList<>();

  private EndToEnd(Options options) {
    this.options = options;
  }

  /** Arguments: the report's file, the launcher, options. */
  public static void main(String... args) throws IOException, InterruptedException {
    Options.run(options -> new EndToEnd(options).page(), args);
  }

  /** The latency that Relay adds, in milliseconds: per run, compared with direct calls. */
  record Added(double median, double p99, double directMedian, double directP99) {}

  private String page() throws IOException, InterruptedException {
    try (Stage stage = new Stage(options.wire().command(options.launcher()), options.wire())) {
      MeasuredReplica replica = start(stage);
      WarmUp.run(stage);
      for (int round = 1; round <= options.rounds(); round++) {
        System.err.println("round " + round + " of " + options.rounds());
        small.add(Burst.small().measure(stage, options.part(SMALL)));
        large.add(Burst.large().measure(stage, options.part(OTHER)));
        events.add(Burst.events().measure(stage, options.part(OTHER)));
      }
      for (int run = 1; run <= options.openRuns(); run++) {
        System.err.println("open loop, run " + run + " of " + options.openRuns());
        added.add(added(stage, replica));
      }
      double loadedMib = Processes.residentKib(replica.pid()) / 1024.0;
      System.err.println(options.streams() + " streams");
      StreamCost streams =
          StreamCost.measure(stage, replica, options.streams(), STARTS_PER_SECOND).checked();
      EndToEndPage page =
          new EndToEndPage(
              stage.redis().version(),
              options,
              starts,
              idleMib,
              loadedMib,
              small,
              large,
              events,
              added,
              streams);
      if (options.isFull()) {
        RatioLedger.append(options.page(), options.launcher(), page.ratios());
      }
      return page.text();
    }
  }

  private MeasuredReplica start(Stage stage) throws IOException {
    while (true) {
      MeasuredReplica replica = stage.replica(KEYS);
      starts.add(replica.startMillis());
      LockSupport.parkNanos(QUIET.toNanos());
      idleMib.add(Processes.residentKib(replica.pid()) / 1024.0);
      System.err.printf(
          "start %d: %.0f ms, %.0f MiB%n", starts.size(), starts.getLast(), idleMib.getLast());
      if (starts.size() == options.starts()) {
        return replica;
      }
      stage.clear(0);
    }
  }

  private Added added(Stage stage, MeasuredReplica replica)
      throws IOException, InterruptedException {
    Latencies direct = atRate(stage.providerPort());
    Latencies relayed = atRate(replica.port());
    return new Added(
        relayed.millis(0.5) - direct.millis(0.5),
        relayed.millis(0.99) - direct.millis(0.99),
        direct.millis(0.5),
        direct.millis(0.99));
  }

  private Latencies atRate(int port) throws IOException, InterruptedException {
    try (OpenLoop loop = new OpenLoop(port, Question.ofJson(2_048).bytes())) {
      return loop.run(RATE, OPEN_WARM, options.part(OPEN)).checked().latencies();
    }
  }
}
