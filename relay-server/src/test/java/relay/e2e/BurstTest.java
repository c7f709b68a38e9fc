package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.model.Dialect;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Settings;

/**
 * Simultaneous requests queue in the replica, not in Redis. They must not look like an outage of
 * Redis, in any outage mode.
 */
@Tag("slow")
class BurstTest {
  private static final int BURST = 2_000;
  private static final int LIMIT = 400;
  private static final Duration WINDOW = Duration.ofMinutes(30); // nothing refills meanwhile

  @ParameterizedTest
  @ValueSource(strings = {"closed", "fair_share"})
  void a_burst_is_granted_up_to_the_pools_capacity_and_the_rest_gets_a_retry_time(String mode)
      throws Exception {
    Account account = new Account("all", List.of(Setup.secret("b1")), 0, 0, 0, 0);
    try (ProviderSimulator provider =
            ProviderSimulator.start(Settings.of(Duration.ofMinutes(1), account));
        Replicas replicas = start(provider, mode)) {
      Answer warm = RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, "burst"));
      assertEquals(200, warm.status(), warm.toString());
      Map<Integer, Integer> statuses = burst(replicas.port(0));
      assertEquals(List.of(200, 429), List.copyOf(statuses.keySet()), statuses.toString());
      // An idle group admits half of its limit at once, including the first request.
      int granted = statuses.getOrDefault(200, 0) + 1;
      assertTrue(granted >= LIMIT / 2 && granted <= LIMIT / 2 + 2, statuses.toString());
      String log = replicas.get(0).log();
      assertTrue(!log.contains("is down"), log);
    }
  }

  private static Replicas start(ProviderSimulator provider, String mode) throws Exception {
    return new Setup()
        .redis("timeout_ms: 300")
        .redis("on_unavailable: " + mode)
        .provider(
            "burst",
            Dialect.ANTHROPIC,
            provider.url().toString(),
            List.of("pooling: { affinity: none, window_ms: " + WINDOW.toMillis() + " }"),
            List.of(Setup.key("b1", "rpm_limit: " + LIMIT)))
        .start(1);
  }

  /** The number of answers by status. */
  private static Map<Integer, Integer> burst(int port) throws Exception {
    byte[] request = Ask.of(Dialect.ANTHROPIC, "burst").bytes();
    List<RawClient> clients = new ArrayList<>();
    try {
      for (int n = 0; n < BURST; n++) {
        clients.add(new RawClient(port));
      }
      for (RawClient client : clients) {
        client.send(request);
      }
      Map<Integer, Integer> statuses = new TreeMap<>();
      for (RawClient client : clients) {
        Answer answer = client.answer();
        statuses.merge(answer.status(), 1, Integer::sum);
        if (answer.status() == 429) {
          assertNotNull(answer.header("retry-after-ms"), answer.toString());
        }
      }
      return statuses;
    } finally {
      for (RawClient client : clients) {
        client.close();
      }
    }
  }
}
