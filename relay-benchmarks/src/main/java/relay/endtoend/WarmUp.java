package relay.endtoend;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Load of all kinds until the replicas' code is compiled: until a request gets no cheaper. */
final class WarmUp {
  private static final Duration BURST = Duration.ofSeconds(1);
  private static final Duration SHORT = Duration.ofMillis(500);

  /** Leaves a processor to the compiler, which a closed loop starves. */
  private static final Duration REST = Duration.ofMillis(600);

  private static final double SETTLED = 0.95;
  private static final int MOST_ROUNDS = 16;

  private WarmUp() {}

  static void run(Stage stage) throws IOException {
    double last = Double.MAX_VALUE;
    for (int round = 0; round < MOST_ROUNDS; round++) {
      double micros = Burst.small().measure(stage, BURST).cost().relayMicros();
      System.err.printf("warm-up: %.0f us a request%n", micros);
      Burst.events().measure(stage, SHORT);
      Burst.large().measure(stage, SHORT);
      if (micros > SETTLED * last) {
        return;
      }
      last = micros;
      LockSupport.parkNanos(REST.toNanos());
    }
  }
}
