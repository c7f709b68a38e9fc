package relay.redis.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.redis.RedisUnderTest;
import relay.redis.ScriptConnection;
import relay.redis.model.Accounting;
import relay.redis.simulation.SimulatedFleet.Headers;

/** Others take half of an account for hours, at virtual time. */
@Tag("slow")
final class SteadyOthersTest {
  private static final long LIMIT = 150;

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  @Tag("long")
  @ParameterizedTest
  @CsvSource({
    "SLIDING_WINDOW, EXACT, 0",
    "SLIDING_WINDOW, SECONDS, 0",
    "TOKEN_BUCKET, LEFT_ONLY, 0"
  })
  void so_it_does_in_the_other_cases(Accounting accounting, Headers headers, int learning) {
    a_steady_half_leaves_a_steady_half(accounting, headers, learning);
  }

  @ParameterizedTest
  @CsvSource({"SLIDING_WINDOW, LEFT_ONLY, 8", "TOKEN_BUCKET, EXACT, 0", "AUTO, SECONDS, 0"})
  void a_steady_half_leaves_a_steady_half(Accounting accounting, Headers headers, int learning) {
    Duration window = Duration.ofMinutes(1);
    StatedAccount bucket = new StatedAccount.Bucket(LIMIT, LIMIT, 60_000_000);
    SimulatedFleet fleet = new SimulatedFleet(wire, accounting, window, LIMIT, headers, bucket);
    long w = fleet.windowMicros();
    for (int n = 0; n < 30; n++) {
      long until = fleet.time.now() + w;
      fleet.others(fleet.time.now(), until, 0.5 * LIMIT * 1e6 / w);
      fleet.demand(fleet.time.now(), until, 1.6 * LIMIT * 1e6 / w);
      long served = fleet.served;
      long refused = fleet.refusedThere;
      fleet.time.run(until);
      double share = (double) (fleet.served - served) / LIMIT;
      if (n >= 3) {
        assertTrue(Math.abs(share - 0.5) <= 0.05, "window " + n + ": " + share);
        assertEquals(refused, fleet.refusedThere, "window " + n);
      }
    }
    assertTrue(fleet.refusedThere <= learning, "refused " + fleet.refusedThere);
    fleet.forget();
  }
}
