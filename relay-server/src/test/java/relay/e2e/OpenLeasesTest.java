package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.model.Dialect;

/** How many leases a client may have open, at two replicas: each call at another one. */
@Tag("slow")
class OpenLeasesTest {
  private static final int MOST_OPEN = 10_000;
  private static final List<String> PARTS = List.of("part-1", "part-2", "part-3");
  private static final String UNLIMITED = "rpm_limit: 100000";

  private final RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
  private final Replicas replicas = setup().start(2);
  private final LeaseWorkers workers = new LeaseWorkers(replicas);

  OpenLeasesTest() throws Exception {}

  private Setup setup() throws IOException {
    Setup setup =
        new Setup()
            .client("hoarder", "leases: true")
            .client("bystander", "leases: true")
            .client("limited", "leases: true, rpm_limit: 100000");
    setup.provider("hoard", Dialect.ANTHROPIC, provider.url(), Setup.key("hoard", UNLIMITED));
    for (String part : PARTS) {
      setup.provider(part, Dialect.ANTHROPIC, provider.url(), Setup.key(part, UNLIMITED));
    }
    return setup;
  }

  @AfterEach
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  /** Adds open leases to a pool, for the one client that has a lease there. */
  private void addOpen(String pool, int count) throws IOException {
    try (RedisSocket redis = replicas.redisSocket()) {
      String open = redis.text("KEYS", "relay:{" + pool + "}:leases:*:@*");
      List<String> add = new ArrayList<>(List.of("ZADD", open));
      for (int n = 0; n < count; n++) {
        add.addAll(List.of("9e15", "@held:" + n));
      }
      redis.list(add.toArray(String[]::new));
    }
  }

  @Test
  void a_client_has_ten_thousand_at_a_provider_at_most() throws Exception {
    JsonNode first = workers.granted("hoarder", "hoard", "");
    addOpen("hoard", MOST_OPEN - 2);
    workers.granted("hoarder", "hoard", "");
    Answer more = workers.acquire("hoarder", "hoard", "");
    assertEquals(429, more.status(), more::text);
    assertNotNull(more.header("retry-after"));
    assertTrue(more.text().contains("10000 leases open"), more::text);
    assertTrue(workers.metric("relay_denials_total{pool=\"hoard\",reason=\"open_leases\"}") > 0);
    workers.cancelled("bystander", workers.granted("bystander", "hoard", ""));
    assertEquals(MOST_OPEN, workers.pool("hoard").at("/leases/hoarder").asInt());
    assertEquals(0, workers.pool("hoard").at("/leases/bystander").asInt());
    workers.settled("hoarder", first, 1, 1);
    workers.granted("hoarder", "hoard", "");
    assertEquals(429, workers.acquire("hoarder", "hoard", "").status());
  }

  @Test
  void and_at_all_providers_together() throws Exception {
    List<JsonNode> first = new ArrayList<>();
    int others = MOST_OPEN - PARTS.size();
    for (String part : PARTS) {
      first.add(workers.granted("hoarder", part, ""));
      int some = Math.ceilDiv(others, PARTS.size());
      addOpen(part, Math.min(some, MOST_OPEN - PARTS.size() - some * (first.size() - 1)));
    }
    awaitRefused();
    for (String part : PARTS) {
      Answer more = workers.acquire("hoarder", part, "");
      assertEquals(429, more.status(), more::text);
      assertEquals("1000", more.header("retry-after-ms"));
      assertTrue(more.text().contains("10000 leases open at all providers"), more::text);
      workers.cancelled("bystander", workers.granted("bystander", part, ""));
    }
    String denials = "relay_client_denials_total{client=\"hoarder\",reason=\"open_leases\"}";
    assertTrue(workers.metric(denials) >= PARTS.size());
    assertEquals(MOST_OPEN, open());
    workers.settled("hoarder", first.getFirst(), 1, 1);
    Await.until(
        "another one is granted", () -> workers.acquire("hoarder", "part-3", "").status() == 200);
    awaitRefused();
    assertEquals(MOST_OPEN, open());
  }

  @Test
  void of_a_client_with_own_limits_the_sum_is_exact() throws Exception {
    JsonNode first = workers.granted("limited", "part-1", "");
    addOpen("@clients", MOST_OPEN - 2);
    workers.granted("limited", "part-2", "");
    for (int n = 0; n < 4; n++) {
      JsonNode error = workers.refused(429, "limited", PARTS.get(n % PARTS.size()), "");
      assertTrue(error.get("message").asText().contains("open_leases"), error::toString);
    }
    workers.cancelled("limited", first);
    workers.granted("limited", "part-3", "");
    workers.refused(429, "limited", "part-1", "");
  }

  private int open() throws IOException {
    int sum = 0;
    for (String part : PARTS) {
      sum += workers.pool(part).at("/leases/hoarder").asInt();
    }
    return sum;
  }

  /**
   * Until both replicas refuse. One that has not read the sum since the last lease was granted may
   * grant one more: it is cancelled there.
   */
  private void awaitRefused() throws Exception {
    for (int replica = 0; replica < 2; replica++) {
      int port = replicas.port(replica);
      Await.until(
          "the client is refused",
          () -> {
            Answer answer = RawClient.ask(port, LeaseWorkers.wish("hoarder", PARTS.get(1), ""));
            if (answer.status() == 200) {
              String path = LeaseWorkers.path(answer.json(), "");
              Ask cancel = LeaseWorkers.ask("hoarder", "DELETE", path, "");
              assertEquals(200, RawClient.ask(port, cancel).status());
            }
            return answer.status() == 429;
          });
    }
  }
}
