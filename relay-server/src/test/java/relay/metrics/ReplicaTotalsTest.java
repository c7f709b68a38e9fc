package relay.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import relay.metrics.ReplicaTotals.ClientCounts;
import relay.pool.Configs;

/** What the dashboard gets of a replica. */
class ReplicaTotalsTest {
  private static final String TEAM =
      "server: { auth: { clients: [{ name: team, key: client-secret-1, rpm_limit: 60 }] } }\n";

  @AutoClose private final Meters meters = new Meters(Configs.of(TEAM + Configs.POOLS));

  @Test
  void a_spent_budget_is_a_refusal_like_a_429() {
    meters.requestDone("", "claude-opus-4-6", 429, "relay", 1, 1);
    meters.requestDone("", "claude-opus-4-6", 402, "relay", 1, 1);
    meters.requestDone("anthropic", "claude-opus-4-6", 429, "upstream", 1, 1);
    meters.requestDone("anthropic", "claude-opus-4-6", 200, "upstream", 1, 1);
    assertEquals(4, meters.totals().requests());
    assertEquals(2, meters.totals().refusedByRelay());
  }

  @Test
  void refusals_are_told_by_pool_by_client_and_by_reason() {
    assertEquals(Map.of(), meters.totals().poolDenials());
    assertEquals(Map.of(), meters.totals().clients());
    meters.denied("anthropic", "cooldown");
    meters.clients().denied("team", "requests");
    for (int status : new int[] {200, 402, 429, 503}) {
      meters.clients().answered("team", status);
    }
    assertEquals(Map.of("anthropic", Map.of("cooldown", 1L)), meters.totals().poolDenials());
    assertEquals(
        Map.of("team", new ClientCounts(4, 2, 1, Map.of("requests", 1L))),
        meters.totals().clients());
  }

  @Test
  void times_are_those_of_requests_that_a_provider_answered() {
    meters.requestDone("", "claude-opus-4-6", 429, "relay", 1, 1);
    meters.served(1_000_000, 2_000_000);
    assertEquals(1, meters.totals().duration().total());
    assertEquals(1, meters.totals().firstByte().total());
  }
}
