package relay.endtoend;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import relay.load.LeaseLoop;

/** Measures what a lease costs, beside a request through the proxy, and writes the report. */
public final class LeaseCost {
  private static final int KEYS = 8;
  private static final int RATE = 1_000;
  private static final Duration CLOSED = Duration.ofSeconds(2);
  private static final Duration BEGINNING = Duration.ofMillis(300);
  private static final Duration OPEN_WARM = Duration.ofMillis(500);
  private static final Duration OPEN = Duration.ofSeconds(10);
  private static final Duration WARM = Duration.ofSeconds(1);

  private final Options options;
  private final List<Burst.Measured> requests = new ArrayList<>();
  private final List<Burst.Measured> pairs = new ArrayList<>();
  private final List<Burst.Measured> keyed = new ArrayList<>();
  private final List<AtRate> atRate = new ArrayList<>();
  private final List<AtRate> keyedAtRate = new ArrayList<>();

  private LeaseCost(Options options) {
    this.options = options;
  }

  /** Arguments: the report's file, the launcher, options. */
  public static void main(String... args) throws IOException, InterruptedException {
    Options.run(options -> new LeaseCost(options).page(), args);
  }

  private String page() throws IOException, InterruptedException {
    try (Stage stage = new Stage(options.wire().command(options.launcher()), options.wire())) {
      stage.admitWorker();
      int port = stage.replica(KEYS).port();
      WarmUp.run(stage);
      WarmUp.run(() -> warmUp(stage, port));
      for (int round = 1; round <= options.rounds(); round++) {
        System.err.println("round " + round + " of " + options.rounds());
        requests.add(Burst.small().measure(stage, options.part(CLOSED)));
        pairs.add(pairs(stage, port, false, options.part(CLOSED)));
        keyed.add(pairs(stage, port, true, options.part(CLOSED)));
      }
      for (int run = 1; run <= options.rounds(); run++) {
        System.err.println("open loop, run " + run + " of " + options.rounds());
        atRate.add(atRate(stage, port, false));
        keyedAtRate.add(atRate(stage, port, true));
      }
      return new LeasePage(
              stage.redis().version(), options, requests, pairs, keyed, atRate, keyedAtRate)
          .text();
    }
  }

  private static double warmUp(Stage stage, int port) throws IOException {
    double micros = pairs(stage, port, false, WARM).cost().relayMicros();
    System.err.printf("warm-up: %.0f us a lease%n", micros);
    pairs(stage, port, true, WARM);
    WarmUp.rest();
    return micros;
  }

  /** An open loop, and its calls of scripts for a lease. */
  record AtRate(LeaseLoop.Pairs pairs, double functionCalls) {}

  /** The cost of an acquire and its settle in a closed loop. */
  private static Burst.Measured pairs(Stage stage, int port, boolean isKeyed, Duration time)
      throws IOException {
    try (LeaseLoop loop = new LeaseLoop(port, isKeyed)) {
      loop.closed(BEGINNING);
      Reading before = stage.read();
      LeaseLoop.Pairs all = loop.closed(time).checked();
      Reading after = stage.read();
      long count = (all.acquires().count() + all.settles().count()) / 2;
      return new Burst.Measured(after.since(before, count), all.settles().perSecond());
    }
  }

  private AtRate atRate(Stage stage, int port, boolean isKeyed)
      throws IOException, InterruptedException {
    Duration time = options.part(OPEN);
    long before = stage.redis().functionCalls();
    try (LeaseLoop loop = new LeaseLoop(port, isKeyed)) {
      LeaseLoop.Pairs pairs = loop.open(RATE, OPEN_WARM, time).checked();
      double all = RATE / 1e3 * OPEN_WARM.plus(time).toMillis();
      return new AtRate(pairs, (stage.redis().functionCalls() - before) / all);
    }
  }
}
