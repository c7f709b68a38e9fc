package relay.redis;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import relay.redis.RedisServers.Topology;

/**
 * Some rows of the chaos table, at once: those of {@link ChaosRun} that take least time and few
 * servers. What depends on the machine's speed (waiting times, used shares) is not asserted.
 */
final class ChaosTest {
  private static final List<ChaosCase> CASES =
      Stream.of(
              ChaosFault.KILLED,
              ChaosFault.RESET,
              ChaosFault.SILENT,
              ChaosFault.FUNCTIONS,
              ChaosFault.FULL)
          .map(fault -> new ChaosCase(fault, Topology.STANDALONE, Fallback.FAIR_SHARE))
          .toList();

  @Test
  void no_fault_of_redis_fails_a_request_or_exceeds_a_limit() throws Exception {
    try (ExecutorService all = Executors.newFixedThreadPool(CASES.size())) {
      List<Future<ChaosCase.Outcome>> runs =
          CASES.stream().map(one -> all.submit(one::run)).toList();
      for (int n = 0; n < CASES.size(); n++) {
        ChaosCase.Outcome outcome = runs.get(n).get();
        String row = outcome.row(CASES.get(n));
        assertAll(
            () -> assertEquals(0, outcome.failed(), row),
            () -> assertEquals(0, outcome.refused(), row),
            () -> assertTrue(outcome.over() <= ChaosCase.IN_FLIGHT, row), // they may bunch
            () -> assertTrue(outcome.used() > 0.3, row),
            () -> assertTrue(outcome.exactMillis() >= 0, row));
      }
    }
  }
}
