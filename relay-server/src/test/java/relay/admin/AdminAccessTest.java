package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.admin.RawHttp.Answer;
import relay.config.Config;
import relay.pool.Configs;
import relay.redis.KeyPool;

/** Who may use the operators' port: by origin, host name, token and address. */
@Tag("slow")
@Timeout(60)
@TestInstance(Lifecycle.PER_CLASS)
class AdminAccessTest {
  private static final Config CONFIG = Configs.of(Configs.POOLS);
  @AutoClose private final ServedPools served = ServedPools.of(CONFIG);
  @AutoClose private final AdminServer server = serve(CONFIG, served.pools());
  private final RawHttp http = new RawHttp(server.port());

  AdminAccessTest() throws Exception {}

  private AdminServer serve(Config config, List<KeyPool> pools) {
    return served.serve(config, pools, Readiness.Ready::new, "relay_up 1\n");
  }

  private JsonNode key(String id) throws Exception {
    for (JsonNode key :
        new ObjectMapper().readTree(http.get("/pools/anthropic").body()).get("keys")) {
      if (key.get("id").asText().equals(id)) {
        return key;
      }
    }
    throw new AssertionError("no key " + id);
  }

  @ParameterizedTest
  @CsvSource({
    "Origin, http://evil.example",
    "Origin, null",
    "Origin, http://127.0.0.1:1",
    "Sec-Fetch-Site, cross-site",
    "Sec-Fetch-Site, same-site",
  })
  void a_page_of_another_origin_may_not_post(String header, String value) throws Exception {
    String path = "/pools/anthropic/keys/acme-1/quarantine";
    assertEquals(403, http.send("POST", path, "", header, value).status());
    assertEquals("active", key("acme-1").get("status").asText());
  }

  @Test
  void relays_own_page_may_post() throws Exception {
    String path = "/pools/anthropic/keys/acme-1/restore";
    assertEquals(200, http.send("POST", path, "", "Origin", http.origin()).status());
    assertEquals(200, http.send("POST", path, "", "Sec-Fetch-Site", "same-origin").status());
  }

  @ParameterizedTest
  @CsvSource({
    "evil.example, 403", "evil.example:9091, 403", "127.0.0.1.evil.example, 403", "'', 403",
    "localhost, 200", "LOCALHOST:1234, 200", "127.0.0.1:80, 200", "[::1]:9091, 200"
  })
  void a_rebound_host_name_is_refused(String host, int status) throws Exception {
    assertEquals(status, http.send("GET", "/pools", "", "Host", host).status());
    assertEquals(200, http.send("GET", "/healthz", "", "Host", host).status());
  }

  @Test
  void with_a_token_all_other_paths_need_it() throws Exception {
    Config config =
        Configs.of("server: { admin_listen: \"0.0.0.0:0\", admin_token: t0ken }\n" + Configs.POOLS);
    try (AdminServer other = serve(config, served.pools())) {
      RawHttp its = new RawHttp(other.port());
      for (String open : List.of("/healthz", "/readyz", "/metrics")) {
        assertEquals(200, its.get(open).status());
      }
      for (String path : List.of("/", "/pools", "/pools/anthropic", "/clients", "/nothing")) {
        Answer answer = its.get(path);
        assertEquals(401, answer.status(), path);
        assertEquals("Bearer", answer.header("www-authenticate"));
      }
      String restore = "/pools/anthropic/keys/acme-1/restore";
      assertEquals(401, its.post(restore, "").status());
      for (String wrong :
          List.of("Bearer", "Bearer ", "Bearer t0ke", "Bearer t0kenn", "Basic t0ken", "t0ken")) {
        assertEquals(401, its.send("GET", "/pools", "", "Authorization", wrong).status(), wrong);
      }
      assertEquals(200, its.send("GET", "/pools", "", "Authorization", "Bearer t0ken").status());
      assertEquals(200, its.send("POST", restore, "", "Authorization", "bearer t0ken").status());
      assertEquals(
          403,
          its.send(
                  "POST",
                  restore,
                  "",
                  "Authorization",
                  "Bearer t0ken",
                  "Origin",
                  "http://evil.example")
              .status());
    }
  }

  @Test
  void beyond_loopback_without_a_token_only_probes_and_metrics_answer() throws Exception {
    try (AdminServer other =
        serve(
            Configs.of("server: { admin_listen: \"0.0.0.0:0\" }\n" + Configs.POOLS),
            served.pools())) {
      RawHttp its = new RawHttp(other.port());
      for (String open : List.of("/healthz", "/readyz", "/metrics")) {
        assertEquals(200, its.get(open).status());
      }
      for (String path : List.of("/", "/pools", "/clients")) {
        Answer answer = its.get(path);
        assertEquals(403, answer.status(), path);
        assertTrue(answer.body().contains("server.admin_token"), answer.body());
      }
      assertEquals(403, its.post("/pools/anthropic/keys/acme-1/restore", "").status());
    }
  }
}
