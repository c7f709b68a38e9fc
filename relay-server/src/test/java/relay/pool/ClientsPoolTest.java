package relay.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;

class ClientsPoolTest {
  private static final String AUTH =
      """
      server:
        auth:
          api_key: client-secret-0
          clients:
            - {name: free, key: client-secret-1}
            - {name: team-a, key: client-secret-2, rpm_limit: 600, tpm_limit: 90_000}
            - {name: team-b, key: client-secret-3, max_concurrent: 5}
      """;

  @Test
  void clients_with_limits_become_keys_with_an_account_each() {
    PoolPlan plan = ClientsPool.of(Configs.of(AUTH + Configs.POOLS).server().auth()).orElseThrow();
    assertEquals("@clients", plan.name());
    assertEquals(Duration.ofMinutes(1), plan.window());
    assertEquals(
        List.of(new KeyPlan("team-a", "team-a", 1, 1, 0), new KeyPlan("team-b", "team-b", 1, 1, 5)),
        plan.keys());
    assertEquals(new Limits(600, 0, 0, 90_000), plan.limitsOf("team-a/default"));
    assertEquals(Limits.UNKNOWN, plan.limitsOf("team-b/default"));
    assertFalse(plan.toString().contains("secret"));
  }

  @Test
  void there_is_no_pool_without_a_client_with_limits() {
    String unlimited = "server: {auth: {api_key: client-secret-0}}\n";
    assertTrue(ClientsPool.of(Configs.of(unlimited + Configs.POOLS).server().auth()).isEmpty());
    assertTrue(ClientsPool.of(Configs.of(Configs.POOLS).server().auth()).isEmpty());
  }
}
