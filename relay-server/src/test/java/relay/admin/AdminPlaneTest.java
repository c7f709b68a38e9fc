package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.admin.RawHttp.Answer;
import relay.config.Config;
import relay.embedded.EmbeddedRedis;
import relay.guards.Await;
import relay.pool.Configs;
import relay.redis.KeyPool;
import relay.redis.RedisEngine;

/** Over a real port and a real Redis. */
@Tag("slow")
@Timeout(60)
@TestInstance(Lifecycle.PER_CLASS)
class AdminPlaneTest {
  private static final String AUTH =
      """
      server:
        auth:
          clients:
            - { name: team-a, key: client-secret-a, models: ["claude-*"], providers: [anthropic] }
            - { name: team-b, key: client-secret-b }
      """;
  private static final Config CONFIG = Configs.of(AUTH + Configs.POOLS);

  private final AtomicReference<Readiness> readiness = new AtomicReference<>(new Readiness.Ready());
  private final ObjectMapper json = new ObjectMapper();
  @AutoClose private final ServedPools served = ServedPools.of(CONFIG);
  @AutoClose private final AdminServer server = serve(CONFIG, served.pools());
  private final RawHttp http = new RawHttp(server.port());

  AdminPlaneTest() throws Exception {}

  @AfterEach
  void restore() throws Exception {
    readiness.set(new Readiness.Ready());
    served.pools().getFirst().operator().restore("acme-1").get(5, TimeUnit.SECONDS);
  }

  private AdminServer serve(Config config, List<KeyPool> pools) {
    return served.serve(config, pools, readiness::get, "relay_up 1\n");
  }

  @Test
  void it_is_healthy_while_it_answers() throws Exception {
    Answer answer = http.get("/healthz");
    assertEquals(200, answer.status());
    assertEquals("ok\n", answer.body());
  }

  @Test
  void readiness_follows_its_source() throws Exception {
    assertEquals(200, http.get("/readyz").status());
    readiness.set(new Readiness.NotReady("draining"));
    Answer answer = http.get("/readyz");
    assertEquals(503, answer.status());
    assertEquals("not ready: draining\n", answer.body());
    assertEquals(200, http.get("/healthz").status());
  }

  @Test
  void metrics_are_prometheus_text() throws Exception {
    Answer answer = http.get("/metrics");
    assertEquals(200, answer.status());
    assertEquals("text/plain; version=0.0.4; charset=utf-8", answer.header("content-type"));
    assertEquals("relay_up 1\n", answer.body());
  }

  @Test
  void pools_are_shown_as_configured() throws Exception {
    Answer answer = http.get("/pools");
    assertEquals(200, answer.status());
    assertEquals("application/json", answer.header("content-type"));
    JsonNode all = json.readTree(answer.body());
    assertEquals("anthropic", all.at("/pools/0/name").asText());
    assertEquals("openai", all.at("/pools/1/name").asText());
    assertEquals(2, all.get("pools").size());
    assertEquals(30_000, all.at("/pools/0/window_ms").asLong());
    assertEquals("closed", all.at("/pools/0/breaker/state").asText());
    assertEquals(4, all.at("/pools/0/groups").size());
    assertEquals(50, all.at("/pools/0/groups/1/limits/rpm").asLong());
    assertTrue(all.at("/pools/0/groups/1/limits/tpm").isNull());
    assertFalse(answer.body().contains("secret"));
  }

  @Test
  void one_pool_is_shown_alone() throws Exception {
    JsonNode pool = json.readTree(http.get("/pools/anthropic").body());
    assertEquals("anthropic", pool.get("name").asText());
    assertEquals("acme-1", pool.at("/keys/0/id").asText());
    assertEquals("active", pool.at("/keys/0/status").asText());
    assertEquals(4, pool.at("/keys/0/max_concurrent").asInt());
  }

  @Test
  void clients_are_shown_without_their_keys() throws Exception {
    Answer answer = http.get("/clients");
    assertEquals(
        json.readTree(
            """
            {"age_ms": 0, "clients": [
              {"name": "team-a", "enforce": true, "weight": 1, "priority": "standard", "share": 0.5, "share_ratio": 0.0, "waiting": 0,
                "models": ["claude-*"], "providers": ["anthropic"], "limits": null,
                "used": {"rpm": 0, "itpm": 0, "otpm": 0, "tpm": 0},
                "in_flight": 0, "cooldown_ms": 0, "next_capacity_ms": 0, "budgets": []},
              {"name": "team-b", "enforce": true, "weight": 1, "priority": "standard", "share": 0.5, "share_ratio": 0.0, "waiting": 0,
                "models": null, "providers": null, "limits": null,
                "used": {"rpm": 0, "itpm": 0, "otpm": 0, "tpm": 0},
                "in_flight": 0, "cooldown_ms": 0, "next_capacity_ms": 0, "budgets": []}]}
            """),
        json.readTree(answer.body()));
  }

  @ParameterizedTest
  @CsvSource({"?duration=30s, ''", "'', '{\"duration\": \"30s\"}'"})
  void a_cooldown_holds_for_its_duration(String query, String body) throws Exception {
    Answer answer = http.post("/pools/anthropic/keys/acme-1/cooldown" + query, body);
    assertEquals(200, answer.status(), answer.body());
    assertEquals(30_000, json.readTree(answer.body()).get("duration_ms").asLong());
    JsonNode key = key("acme-1");
    assertEquals("cooling", key.get("status").asText());
    long left = key.get("cooldown_ms").asLong();
    assertTrue(left > 20_000 && left <= 30_000, "left: " + left);
  }

  @Test
  void a_quarantine_holds_until_the_key_is_restored() throws Exception {
    assertEquals(200, http.post("/pools/anthropic/keys/acme-1/quarantine", "").status());
    assertEquals("quarantined", key("acme-1").get("status").asText());
    assertEquals("operator", key("acme-1").get("reason").asText());
    assertEquals(200, http.post("/pools/anthropic/keys/acme-1/restore", "").status());
    assertEquals("active", key("acme-1").get("status").asText());
    assertTrue(key("acme-1").get("reason").isNull());
  }

  private JsonNode key(String id) throws Exception {
    for (JsonNode key : json.readTree(http.get("/pools/anthropic").body()).get("keys")) {
      if (key.get("id").asText().equals(id)) {
        return key;
      }
    }
    throw new AssertionError("no key " + id);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "?duration=",
        "?duration=0s",
        "?duration=30",
        "?duration=-1s",
        "?duration=31d",
        "?duration=1e9s",
        "?duration=31d",
        "?duration=999999999999h",
        "?duration=1s&duration=2s"
      })
  void a_bad_duration_is_refused(String query) throws Exception {
    Answer answer = http.post("/pools/anthropic/keys/acme-1/cooldown" + query, "");
    assertEquals(400, answer.status());
    assertTrue(json.readTree(answer.body()).get("error").asText().contains("30s"), answer.body());
    assertEquals("active", key("acme-1").get("status").asText());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "[]",
        "{\"duration\": null}",
        "{\"duration\": {}}",
        "nonsense",
        "{\"duration\": \"30s\"} x",
        "{\"duration\": \"30s\"}{\"duration\": \"30s\"}",
        "{\"duration\": \"1s\", \"duration\": \"30s\"}"
      })
  void a_bad_body_is_refused(String body) throws Exception {
    assertEquals(400, http.post("/pools/anthropic/keys/acme-1/cooldown", body).status());
    assertEquals("active", key("acme-1").get("status").asText());
  }

  @Test
  void a_duration_in_the_query_and_another_in_the_body_are_refused() throws Exception {
    String path = "/pools/anthropic/keys/acme-1/cooldown?duration=30s";
    assertEquals(400, http.post(path, "{\"duration\": \"1s\"}").status());
    assertEquals(400, http.post(path, "nonsense").status());
    assertEquals("active", key("acme-1").get("status").asText());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/nothing",
        "/pools/",
        "/pools/nothing",
        "/pools/spare",
        "/pools/anthropic/keys",
        "/pools/anthropic/keys/acme-1",
        "/pools/anthropic/keys/acme-1/rename",
        "/pools/anthropic/keys/nothing/restore",
        "/pools/nothing/keys/acme-1/restore",
        "/healthz/"
      })
  void unknown_paths_are_not_found(String path) throws Exception {
    for (Answer answer : List.of(http.get(path), http.post(path, ""))) {
      assertEquals(404, answer.status(), path);
      assertTrue(json.readTree(answer.body()).has("error"));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "POST, /healthz, 'GET, HEAD'",
    "POST, /readyz, 'GET, HEAD'",
    "POST, /metrics, 'GET, HEAD'",
    "DELETE, /pools, 'GET, HEAD'",
    "POST, /pools/anthropic, 'GET, HEAD'",
    "PUT, /clients, 'GET, HEAD'",
    "POST, /, 'GET, HEAD'",
    "GET, /pools/anthropic/keys/acme-1/restore, POST",
  })
  void a_wrong_method_gets_the_allowed_one(String method, String path, String allow)
      throws Exception {
    Answer answer = http.send(method, path, "");
    assertEquals(405, answer.status());
    assertEquals(allow, answer.header("allow"));
  }

  @Test
  void head_equals_get_without_the_body() throws Exception {
    Answer answer = http.send("HEAD", "/pools", "");
    assertEquals(200, answer.status());
    assertEquals("", answer.body());
  }

  @Test
  void without_redis_the_error_says_so() throws Exception {
    String url;
    try (EmbeddedRedis gone = EmbeddedRedis.start()) {
      url = gone.url();
    }
    try (RedisEngine silent = RedisEngine.start(Configs.replica(CONFIG, url, "r-2"))) {
      KeyPool pool = silent.pool(served.pools().getFirst().plan());
      try (AdminServer other = serve(CONFIG, List.of(pool))) {
        RawHttp its = new RawHttp(other.port());
        for (Answer answer :
            List.of(
                its.get("/pools"),
                its.get("/pools/anthropic"),
                its.post("/pools/anthropic/keys/acme-1/cooldown?duration=1s", ""),
                its.post("/pools/anthropic/keys/acme-1/quarantine", ""),
                its.post("/pools/anthropic/keys/acme-1/restore", ""))) {
          assertEquals(503, answer.status());
          assertTrue(json.readTree(answer.body()).get("error").asText().contains("Redis"));
        }
        assertEquals(200, its.get("/healthz").status());
      }
    }
  }

  @Test
  void without_redis_the_last_known_state_is_shown_with_its_age() throws Exception {
    EmbeddedRedis redis = EmbeddedRedis.start();
    try (redis;
        RedisEngine engine = RedisEngine.start(Configs.replica(CONFIG, redis.url(), "r-3"))) {
      KeyPool pool = engine.pool(served.pools().getFirst().plan());
      Await.until("it has seen the pool", () -> pool.latest() != null);
      try (AdminServer other = serve(CONFIG, List.of(pool))) {
        RawHttp its = new RawHttp(other.port());
        JsonNode now = json.readTree(its.get("/pools/anthropic").body());
        assertEquals("shared 0", now.get("mode").asText() + " " + now.get("age_ms"));
        redis.close();
        Await.until("it is down", () -> !engine.isUp());
        Answer answer = its.get("/pools/anthropic");
        assertEquals(200, answer.status());
        JsonNode last = json.readTree(answer.body());
        assertEquals("fair_share", last.get("mode").asText());
        assertTrue(last.get("age_ms").asLong() > 0);
        assertEquals(now.get("keys"), last.get("keys"));
      }
    }
  }

  @Test
  void a_body_that_is_too_long_is_refused() throws Exception {
    String body = "{\"duration\": \"30s\"" + " ".repeat(5000) + "}";
    assertEquals(400, http.post("/pools/anthropic/keys/acme-1/cooldown", body).status());
    assertEquals("active", key("acme-1").get("status").asText());
  }
}
