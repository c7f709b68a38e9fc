package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.regex.Pattern;
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
import relay.guards.Await;
import relay.metrics.ReplicaTotals.ClientCounts;
import relay.pool.Configs;
import relay.redis.KeyPool;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Demand;

/** The dashboard's page and its events, over a real port and a real Redis. */
@Tag("slow")
@Timeout(60)
@TestInstance(Lifecycle.PER_CLASS)
class DashboardTest {
  private static final Config CONFIG = Configs.of(Configs.POOLS);

  @AutoClose private final ServedPools served = ServedPools.of(CONFIG);
  @AutoClose private final AdminServer server = served.serve();
  private final RawHttp http = new RawHttp(server.port());
  private final ObjectMapper json = new ObjectMapper();

  DashboardTest() throws Exception {}

  @ParameterizedTest
  @CsvSource({
    "'', text/html",
    "dashboard.js, text/javascript",
    "clients.js, text/javascript",
    "format.js, text/javascript",
    "keys.js, text/javascript",
    "plots.js, text/javascript",
    "pools.js, text/javascript",
    "recent.js, text/javascript",
    "replicas.js, text/javascript",
    "table.js, text/javascript",
    "traffic.js, text/javascript",
    "verdict.js, text/javascript",
    "uplot.js, text/javascript",
    "dashboard.css, text/css",
    "uplot.css, text/css",
  })
  void the_page_comes_from_this_port_alone(String path, String type) throws Exception {
    Answer answer = http.get("/" + path);
    assertEquals(200, answer.status());
    assertEquals(type + "; charset=utf-8", answer.header("content-type"));
    String policy = answer.header("content-security-policy");
    assertTrue(policy.startsWith("default-src 'none'; script-src 'self';"), policy);
    assertFalse(answer.body().isBlank());
    assertFalse(answer.body().matches("(?s).*(src|href)=\"(https?:)?//.*"), path);
  }

  /** Fails once as only the virtual machine does. */
  private static final class FailingOnce extends AbstractList<KeyPool> {
    private final AtomicInteger reads = new AtomicInteger();

    @Override
    public KeyPool get(int index) {
      throw new IndexOutOfBoundsException(index);
    }

    @Override
    public int size() {
      if (reads.incrementAndGet() == 1) {
        throw new StackOverflowError("a test's");
      }
      return 0;
    }
  }

  @Test
  void an_error_does_not_end_its_thread() throws Exception {
    FailingOnce pools = new FailingOnce();
    try (AdminServer other = served.serve(CONFIG, pools, Readiness.Ready::new, "")) {
      assertTrue(other.port() > 0);
      Await.until("it reads the pools again", () -> pools.reads.get() > 1);
    }
  }

  @Test
  void each_asset_of_the_page_exists() throws Exception {
    String page = http.get("/").body();
    var names = Pattern.compile("(?:src|href)=\"/?([a-z./]+)\"").matcher(page);
    List<String> found = new ArrayList<>();
    while (names.find()) {
      found.add(names.group(1));
      assertEquals(200, http.get("/" + names.group(1)).status(), names.group(1));
    }
    assertTrue(found.containsAll(List.of("dashboard.js", "uplot.js", "dashboard.css")), page);
  }

  @Test
  void the_first_event_is_whole_and_equals_the_pools() throws Exception {
    try (Events events = open()) {
      JsonNode first = events.next(message -> message.path("pools").size() == 2);
      JsonNode pools = json.readTree(http.get("/pools").body());
      JsonNode shown = first.at("/pools/0");
      JsonNode known = pools.at("/pools/0");
      assertEquals("anthropic", shown.path("name").asText());
      assertEquals(known.path("groups").size(), shown.path("groups").size());
      for (int n = 0; n < known.path("groups").size(); n++) {
        for (String field : List.of("id", "limits", "used", "in_flight", "burst")) {
          assertEquals(
              known.path("groups").get(n).get(field), shown.path("groups").get(n).get(field));
        }
      }
      assertEquals("active", shown.at("/keys/0/status").asText());
      assertEquals(0, shown.at("/keys/0/cooldown_until").asLong());
      assertEquals(7, first.at("/replica/requests").asLong());
      assertTrue(first.at("/replica/redis_up").asBoolean());
      assertFalse(first.at("/replica/name").asText().isBlank());
      assertTrue(first.at("/replica/version").asText().matches("[0-9]+\\.[0-9]+.*"));
      assertTrue(first.at("/replica/started").asLong() <= first.path("now").asLong());
      JsonNode before = first.at("/history/traffic/0");
      assertEquals(7, before.at("/replica/requests").asLong(), first.toString());
      assertTrue(before.path("now").asLong() <= first.path("now").asLong());
    }
  }

  @Test
  void clients_arrive_with_their_shares_and_budgets() throws Exception {
    String clients =
        """
        server:
          auth:
            clients:
              - { name: people, key: client-secret-1, priority: interactive }
              - name: jobs
                key: client-secret-2
                priority: batch
                weight: 3
                rpm_limit: 60
                budget: [{ tokens: 1000, per: month }, { tokens: 500, per: day, rolling: true }]
        """;
    try (ServedPools own = ServedPools.of(Configs.of(clients + Configs.POOLS));
        AdminServer its = own.serve()) {
      Demand demand = Demand.of("default", 70, 30).on("jobs");
      assertInstanceOf(Granted.class, own.clients().acquire(demand).get(20, TimeUnit.SECONDS));
      Await.until(
          "the budget is read",
          () -> own.clients().named().spent("jobs").getFirst().spent() == 100);
      try (Events events = open(its.port())) {
        JsonNode shown = events.next(message -> message.path("clients").size() == 2);
        JsonNode people = shown.at("/clients/0");
        JsonNode jobs = shown.at("/clients/1");
        assertEquals("interactive", people.path("priority").asText());
        assertEquals(0, people.path("budgets").size());
        assertEquals("batch", jobs.path("priority").asText());
        assertEquals(3, jobs.path("weight").asInt());
        assertEquals(100, jobs.at("/budgets/0/used").asInt());
        assertTrue(jobs.at("/budgets/0/resets_at").asText().endsWith("-01T00:00:00Z"));
        assertTrue(jobs.at("/budgets/1/rolling").asBoolean());
        JsonNode known = json.readTree(new RawHttp(its.port()).get("/clients").body());
        for (String field : List.of("weight", "priority", "share", "share_ratio", "waiting")) {
          assertEquals(known.at("/clients/1").get(field), jobs.get(field), field);
        }
      }
    }
  }

  @Test
  void refusals_of_the_last_minute_arrive_with_their_reasons() throws Exception {
    String client = "server: { auth: { clients: [{ name: team, key: client-secret-1 }] } }\n";
    try (ServedPools own = ServedPools.of(Configs.of(client + Configs.POOLS));
        AdminServer its = own.serve();
        Events events = open(its.port())) {
      events.next(message -> message.path("pools").size() == 2);
      own.poolDenials = Map.of("openai", Map.of("cooldown", 5L));
      own.clientCounts = Map.of("team", new ClientCounts(10, 4, 1, Map.of("requests", 3L)));
      JsonNode message = events.next(each -> each.at("/clients/0/since").asLong() > 0);
      JsonNode team = message.at("/clients/0");
      JsonNode refusing = message.at("/pools/1");
      assertEquals(5, refusing.at("/refused/cooldown").asLong(), message.toString());
      assertTrue(refusing.path("refused_since").asLong() > 0, message.toString());
      assertFalse(message.at("/pools/0").has("refused_since"));
      assertEquals(10, team.path("requests").asLong());
      assertEquals(4, team.path("refused").asLong());
      assertEquals(1, team.path("failed").asLong());
      assertEquals(3, team.at("/denied/requests").asLong());
    }
  }

  @Test
  void an_action_arrives_as_the_change_of_one_key() throws Exception {
    String key = "/pools/anthropic/keys/acme-1/";
    try (Events events = open()) {
      events.next(message -> message.path("pools").size() == 2);
      assertEquals(200, http.post(key + "quarantine", "").status());
      JsonNode change = events.next(message -> message.at("/pools/0").has("keys"));
      assertEquals(1, change.at("/pools/0/keys").size(), change.toString());
      assertEquals("acme-1", change.at("/pools/0/keys/0/id").asText());
      assertEquals("quarantined", change.at("/pools/0/keys/0/status").asText());
      assertTrue(change.at("/pools/0/keys/0/since").asLong() > 0, "it was seen to begin");
      assertFalse(change.has("history"));
      assertEquals(200, http.post(key + "restore", "").status());
      events.next(message -> message.at("/pools/0/keys/0/status").asText().equals("active"));
    }
  }

  @Test
  void viewers_are_bounded_and_a_place_becomes_free() throws Exception {
    List<Events> open = new ArrayList<>();
    try {
      for (int n = 0; n < FeedPlaces.MOST_OF_ONE; n++) {
        Events events = open();
        open.add(events);
        events.next(_ -> true);
      }
      assertEquals(503, http.get("/dashboard/events").status());
      open.removeLast().close();
      Await.until("a place", () -> tryOpen(open));
    } finally {
      for (Events events : open) {
        events.close();
      }
    }
  }

  private boolean tryOpen(List<Events> open) throws Exception {
    try {
      open.add(open());
      return true;
    } catch (IOException full) {
      return false;
    }
  }

  @Test
  void an_outage_shows_the_last_state_with_its_age() throws Exception {
    try (ServedPools own = ServedPools.of(CONFIG);
        AdminServer its = own.serve();
        Events events = open(its.port())) {
      events.next(message -> message.path("pools").size() == 2);
      own.stopRedis();
      JsonNode late =
          events.next(
              message ->
                  !message.at("/replica/redis_up").asBoolean()
                      && message.at("/pools/0/age_ms").asLong() > 1_500);
      assertEquals(2, late.path("pools").size());
    }
  }

  private Events open() throws Exception {
    return open(server.port());
  }

  private Events open(int port) throws Exception {
    HttpClient client = HttpClient.newHttpClient();
    HttpResponse<InputStream> answer =
        client.send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/dashboard/events"))
                .build(),
            BodyHandlers.ofInputStream());
    if (answer.statusCode() != 200) {
      client.shutdownNow();
      throw new IOException("status " + answer.statusCode());
    }
    assertEquals(
        "text/event-stream; charset=UTF-8",
        answer.headers().firstValue("content-type").orElse("none"));
    return new Events(
        client, new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8)));
  }

  /** An open stream of events. */
  private record Events(HttpClient client, BufferedReader lines) implements AutoCloseable {
    /** The next message that passes. */
    JsonNode next(Predicate<JsonNode> wanted) throws IOException {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      while (System.nanoTime() < deadline) {
        String line = lines.readLine();
        if (line != null && line.startsWith("data:")) {
          JsonNode message = new ObjectMapper().readTree(line.substring(5));
          if (wanted.test(message)) {
            return message;
          }
        }
      }
      throw new AssertionError("no such event within 30 s");
    }

    @Override
    public void close() {
      client.shutdownNow();
    }
  }
}
