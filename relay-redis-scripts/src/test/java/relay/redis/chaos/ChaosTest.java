package relay.redis.chaos;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.redis.model.Fallback;
import relay.redis.model.RedisServers.Topology;

/**
 * Some rows of the chaos table, at once: those of {@link ChaosRun} that take least time and one
 * server. What depends on the machine's speed is compared with the same machine before the fault,
 * and asked again.
 */
@Tag("slow")
final class ChaosTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(2); // for a busy machine
  private static final int AGAIN = 4; // by itself
  private static final double USED = 0.6; // 0.85 to 1 on a machine with time
  private static final List<ChaosCase> CASES =
      Stream.of(
              ChaosFault.KILLED,
              ChaosFault.RESET,
              ChaosFault.FUNCTIONS,
              ChaosFault.FLUSHED,
              ChaosFault.FULL)
          .map(fault -> new ChaosCase(fault, Topology.STANDALONE, Fallback.FAIR_SHARE))
          .toList();

  @Test
  void no_fault_of_redis_fails_a_request_or_exceeds_a_limit() throws Exception {
    try (ExecutorService all = Executors.newFixedThreadPool(CASES.size())) {
      List<Future<ChaosCase.Outcome>> runs =
          CASES.stream().map(one -> all.submit(() -> one.run(TIMEOUT))).toList();
      for (int n = 0; n < CASES.size(); n++) {
        ChaosCase.Outcome found = runs.get(n).get();
        for (int again = 0; again < AGAIN && !isUsed(found); again++) { // the machine was busy
          found = CASES.get(n).run(TIMEOUT);
        }
        ChaosCase.Outcome last = found;
        String row = CASES.get(n).row(last);
        assertAll(
            () -> assertEquals(0, last.failed(), row),
            () -> assertEquals(0, last.refused(), row),
            () -> assertTrue(last.over() <= ChaosLoad.IN_FLIGHT, row), // they may bunch
            () -> assertTrue(isUsed(last), row + " before: " + last.calm()),
            () -> assertTrue(last.exactMillis() >= 0, row));
      }
    }
  }

  private static boolean isUsed(ChaosCase.Outcome found) {
    return found.used() > USED * Math.min(1, found.calm());
  }
}
