package relay.endtoend;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Runs all kinds of load until the replicas' code is compiled: until requests get no cheaper. */
final class WarmUp {
  private static final Duration BURST = Duration.ofSeconds(1);
  private static final Duration SHORT = Duration.ofMillis(500);

  /** A pause for the JIT compiler, which a closed loop starves. */
  private static final Duration REST = Duration.ofMillis(600);

  private static final double SETTLED = 0.95;
  private static final int SETTLED_ROUNDS = 2; // a single round may have been disturbed
  private static final int MOST_ROUNDS = 32;

  private WarmUp() {}

  /** A load of some seconds; returns the microseconds of what is measured. */
  @FunctionalInterface
  interface Round {
    double run() throws IOException;
  }

  static void run(Stage stage) throws IOException {
    run(() -> round(stage));
  }

  static void run(Round load) throws IOException {
    double least = Double.MAX_VALUE;
    int settled = 0;
    for (int round = 0; round < MOST_ROUNDS && settled < SETTLED_ROUNDS; round++) {
      double micros = load.run();
      settled = micros > SETTLED * least ? settled + 1 : 0;
      least = Math.min(least, micros);
    }
  }

  /** Lets the JIT compiler work. */
  static void rest() {
    LockSupport.parkNanos(REST.toNanos());
  }

  /** One round; returns the microseconds of a small request. */
  static double round(Stage stage) throws IOException {
    double micros = Burst.small().measure(stage, BURST).cost().relayMicros();
    System.err.printf("warm-up: %.0f us a request%n", micros);
    Burst.events().measure(stage, SHORT);
    Burst.large().measure(stage, SHORT);
    rest();
    return micros;
  }
}
