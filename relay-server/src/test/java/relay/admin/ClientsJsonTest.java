package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.config.Config;
import relay.embedded.EmbeddedRedis;
import relay.guards.Await;
import relay.pool.Configs;
import relay.pool.Plans;
import relay.redis.KeyPool;
import relay.redis.RedisEngine;
import relay.redis.UsageTally;
import relay.redis.model.Acquisition;
import relay.redis.model.Demand;
import relay.redis.model.Lease;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.Usage;

/** Over a real Redis. */
@Tag("slow")
@Timeout(60)
@TestInstance(Lifecycle.PER_CLASS)
class ClientsJsonTest {
  private static final String AUTH =
      """
      server:
        auth:
          api_key: client-secret-a
          clients:
            - name: team
              key: client-secret-b
              rpm_limit: 60
              tpm_limit: 1000
              max_concurrent: 1
      """;
  private static final Config CONFIG = Configs.of(AUTH + Configs.POOLS);

  private final ObjectMapper json = new ObjectMapper();
  private EmbeddedRedis redis;
  private RedisEngine engine;
  private KeyPool limits;
  private UsageTally tally;

  @BeforeAll
  void start() throws Exception {
    redis = EmbeddedRedis.start();
    engine = RedisEngine.start(Configs.replica(CONFIG, redis.url(), "r-1"));
    limits = engine.pool(Plans.ofClients(CONFIG.server().auth()).orElseThrow());
    tally = Plans.tally(engine, CONFIG.server().auth());
  }

  @AfterAll
  void stop() {
    engine.close();
    redis.close();
  }

  private JsonNode clients() throws Exception {
    return json.readTree(
        ClientsJson.of(CONFIG.server().auth(), limits, tally, List.of()).toString());
  }

  @Test
  void the_usage_of_a_client_without_limits_is_shown_in_the_same_form() throws Exception {
    JsonNode before = clients().at("/clients/0");
    assertEquals(0, before.get("in_flight").asInt());
    tally.began("default");
    tally.began("default");
    tally.ended("default", new Usage(1, 70, 30));
    assertEquals(
        json.readTree(
            """
            {"name": "default", "enforce": true, "weight": 1, "priority": "standard", "share": 0.5, "share_ratio": 0.0, "waiting": 0, "models": null, "providers": null, "limits": null,
              "used": {"rpm": 1, "itpm": 70, "otpm": 30, "tpm": 100},
              "in_flight": 1, "cooldown_ms": 0, "next_capacity_ms": 0, "budgets": []}
            """),
        clients().at("/clients/0"));
    assertEquals(fields(clients().at("/clients/1")), fields(clients().at("/clients/0")));
    tally.ended("default", Usage.NONE);
  }

  private static List<String> fields(JsonNode node) {
    List<String> names = new ArrayList<>();
    node.fieldNames().forEachRemaining(names::add);
    return names;
  }

  @Test
  void a_clients_usage_of_its_own_limits_is_shown() throws Exception {
    Acquisition acquisition =
        limits.acquire(Demand.of("default", 70, 30).on("team")).get(20, TimeUnit.SECONDS);
    Lease lease = assertInstanceOf(Acquisition.Granted.class, acquisition).lease();
    JsonNode during = clients().at("/clients/1");
    lease.cancel();
    assertEquals(
        json.readTree("{\"rpm\": 1, \"itpm\": 70, \"otpm\": 30, \"tpm\": 100}"),
        during.get("used"));
    assertEquals(1, during.get("in_flight").asInt());
    assertEquals(1_000, during.get("next_capacity_ms").asInt(), "max_concurrent is reached");
    assertEquals(
        json.readTree(
            """
              {"name": "team", "enforce": true, "weight": 1, "priority": "standard", "share": 0.5, "share_ratio": 0.0, "waiting": 0, "models": null, "providers": null,
                "limits": {"rpm": 60, "itpm": null, "otpm": null, "tpm": 1000, "max_concurrent": 1},
                "used": {"rpm": 0, "itpm": 0, "otpm": 0, "tpm": 0},
                "in_flight": 0, "cooldown_ms": 0, "next_capacity_ms": 0, "budgets": []}
            """),
        clients().at("/clients/1"));
  }

  /** Reading all of many takes Redis many calls, and during a reload they might come too late. */
  @ParameterizedTest
  @ValueSource(ints = {1, 201})
  void the_last_known_use_is_shown_of_many_clients_and_without_redis(int count) throws Exception {
    String clients =
        IntStream.range(0, count)
            .mapToObj(n -> "{ name: c%d, key: client-secret-%d, rpm_limit: 60 }".formatted(n, n))
            .collect(Collectors.joining(", ", "server: { auth: { clients: [", "] } }\n"));
    try (ServedPools own = ServedPools.of(Configs.of(clients + Configs.POOLS));
        AdminServer its = own.serve()) {
      RawHttp http = new RawHttp(its.port());
      KeyPool pool = own.clients();
      Await.until("all are known", () -> pool.latest() != null);
      Await.until("its age", () -> count > 200 == clients(http).get("age_ms").asLong() > 0);
      own.stopRedis();
      Await.until("it is down", () -> !own.engine().isUp());
      JsonNode last = clients(http);
      assertEquals(count, last.get("clients").size());
      assertTrue(last.get("age_ms").asLong() > 0, last.toString());
    }
  }

  @Test
  void without_redis_clients_without_limits_are_shown_beside_the_others() throws Exception {
    String clients =
        """
        server:
          auth:
            clients:
              - { name: limited, key: client-secret-1, rpm_limit: 60 }
              - { name: free, key: client-secret-2 }
        """;
    try (ServedPools own = ServedPools.of(Configs.of(clients + Configs.POOLS));
        AdminServer its = own.serve()) {
      RawHttp http = new RawHttp(its.port());
      Demand demand = Demand.of("default", 70, 30).on("limited");
      own.clients().acquire(demand).get(20, TimeUnit.SECONDS);
      Await.until("its use is known", () -> usedByLimited(own) == 1);
      own.stopRedis();
      Await.until("it is down", () -> !own.engine().isUp());
      JsonNode last = clients(http);
      assertEquals(1, last.at("/clients/0/used/rpm").asInt(), last.toString());
      assertEquals(0, last.at("/clients/1/used/rpm").asInt(-1), last.toString());
      assertTrue(last.get("age_ms").asLong() > 0, last.toString());
    }
  }

  private static long usedByLimited(ServedPools own) {
    PoolSnapshot latest = own.clients().latest();
    return latest == null ? 0 : latest.groups().getFirst().used().requests();
  }

  @Test
  void one_client_alone_has_the_whole() throws Exception {
    Config alone = Configs.of("server: { auth: { api_key: client-secret-a } }\n" + Configs.POOLS);
    try (RedisEngine its = RedisEngine.start(Configs.replica(alone, redis.url(), "r-2"))) {
      UsageTally uses = Plans.tally(its, alone.server().auth());
      JsonNode client =
          json.readTree(ClientsJson.of(alone.server().auth(), null, uses, List.of()).toString())
              .at("/clients/0");
      assertEquals(
          "1 standard 1.0",
          "%s %s %s"
              .formatted(
                  client.get("weight").asText(),
                  client.get("priority").asText(),
                  client.get("share").asText()));
    }
  }

  private JsonNode clients(RawHttp http) {
    try {
      return json.readTree(http.get("/clients").body());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
