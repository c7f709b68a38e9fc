package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * Workers that take all they can, and tell what is not so: at two replicas, each call at another
 * one than the call before. Each test has a provider of its own.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LeaseAttacksTest {
  private static final String AT_ONCE = "max_concurrent: 1";

  private final RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
  private final Replicas replicas = setup().start(2);
  private final LeaseWorkers workers = new LeaseWorkers(replicas);

  LeaseAttacksTest() throws Exception {}

  private Setup setup() throws IOException {
    Setup setup =
        new Setup()
            .log("format: json, requests: true")
            .prices("[ { model: \"*\", input: 1, output: 1 } ]")
            .client("worker", "leases: true")
            .client("other", "leases: true")
            .client("shadow", "leases: true, rpm_limit: 1, enforce: false")
            .client("poor", "leases: true, budget: [ { tokens: 1000, per: month } ]")
            .client("payer", "leases: true, budget: [ { usd: 0.001, per: month } ]")
            .client("narrow", "leases: true, providers: [ours]");
    pool(setup, "made", "otpm_limit: 10000");
    pool(setup, "spent", "rpm_limit: 1000");
    pool(setup, "once", "rpm_limit: 1000");
    pool(setup, "left", AT_ONCE);
    pool(setup, "left_key", AT_ONCE);
    pool(setup, "wrong", "rpm_limit: 1000");
    pool(setup, "absurd", "rpm_limit: 1000");
    pool(setup, "ours", "");
    pool(setup, "theirs", "");
    pool(setup, "trusted", "");
    setup.provider(
        "lax",
        Dialect.ANTHROPIC,
        provider.url(),
        List.of("pooling: { enforce: false }"),
        List.of(Setup.key("lax", "rpm_limit: 1")));
    setup.provider(
        "sticky",
        Dialect.ANTHROPIC,
        provider.url(),
        List.of("pooling: { affinity: session, strategy: round_robin }"),
        List.of(Setup.key("sticky-1"), Setup.key("sticky-2"), Setup.key("sticky-3")));
    setup.provider(
        "shared",
        Dialect.ANTHROPIC,
        provider.url(),
        List.of("pooling: { window_ms: 5000 }"),
        List.of(Setup.key("shared", "rpm_limit: 100")));
    for (String accounting : List.of("sliding_window", "token_bucket")) {
      setup.provider(
          accounting,
          Dialect.ANTHROPIC,
          provider.url(),
          List.of("pooling: { window_ms: 2000, accounting: " + accounting + " }"),
          List.of(Setup.key(accounting, "itpm_limit: 100000")));
    }
    return setup;
  }

  private void pool(Setup setup, String name, String limits) {
    setup.provider(name, Dialect.ANTHROPIC, provider.url(), Setup.key(name, limits));
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private static String manyLines(int count) {
    return IntStream.range(0, count)
        .mapToObj(n -> "\"x-%d\":\"1\"".formatted(n))
        .collect(Collectors.joining(",", "{", "}"));
  }

  @Test
  void one_idempotency_key_at_once_is_one_lease() throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<JsonNode>> all =
          IntStream.range(0, 40)
              .mapToObj(
                  _ ->
                      threads.submit(
                          () -> workers.granted("worker", "once", ",\"idempotency_key\":\"k\"")))
              .toList();
      JsonNode lease = all.getFirst().get();
      for (Future<JsonNode> each : all) {
        assertEquals(lease, each.get());
      }
      replicas.awaitLine("once", "once/default", "rpm 1/1000 .*inflight 1");
      workers.settled("worker", lease, 1, 1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"left", "left_key"})
  void who_leaves_while_it_waits_holds_nothing(String pool) throws Exception {
    String key = pool.equals("left") ? "" : ",\"idempotency_key\":\"gone\"";
    JsonNode first = workers.granted("worker", pool, "");
    double before = workers.metric("relay_waiting");
    try (RawClient leaves = new RawClient(replicas.port(0))) {
      leaves.send(LeaseWorkers.wish("other", pool, ",\"wait_ms\":86400000" + key));
      Await.until("it waits", () -> workers.metric("relay_waiting") > before);
    }
    Await.until("it has left", () -> workers.metric("relay_waiting") == before);
    workers.settled("worker", first, 1, 1);
    JsonNode next = workers.granted("other", pool, ",\"wait_ms\":60000" + key);
    workers.settled("other", next, 1, 1);
    replicas.awaitLine(pool, pool + "/default", "inflight 0");
  }

  @Test
  void budgets_are_charged_at_the_end_and_refuse_when_they_are_spent() throws Exception {
    JsonNode first = workers.granted("poor", "spent", "");
    workers.settled("poor", first, 900, 90);
    Answer next = workers.acquire("poor", "spent", "");
    assertEquals(429, next.status(), next::text);
    assertEquals("insufficient_quota", next.json().at("/error/code").asText(), next::text);
    assertEquals("false", next.header("x-should-retry"));
    Await.until("it is told", () -> spent("poor") == 990);

    JsonNode paid = workers.granted("payer", "spent", "");
    workers.told(
        200,
        "payer",
        paid,
        "settle",
        "{\"input_tokens\":500,\"cache_read_tokens\":0,\"output_tokens\":400}");
    Await.until("900 tokens are told", () -> Math.abs(spent("payer") - 0.0009) < 1e-9);
    assertEquals(429, workers.acquire("payer", "spent", "").status());
  }

  private double spent(String client) throws IOException {
    return replicas.client(0, client).at("/budgets/0/used").asDouble();
  }

  @Test
  void shadow_mode_lets_pass_and_counts() throws Exception {
    for (int n = 0; n < 3; n++) {
      workers.settled("worker", workers.granted("worker", "lax", ""), 1, 1);
      workers.settled("shadow", workers.granted("shadow", "spent", ""), 1, 1);
    }
    assertTrue(workers.metric("relay_would_deny_total{scope=\"pool\"}") >= 2);
    assertTrue(workers.metric("relay_would_deny_total{scope=\"client\"}") >= 2);
  }

  @Test
  void a_session_stays_on_one_account() throws Exception {
    String first = workers.granted("worker", "sticky", ",\"session\":\"s\"").get("key").asText();
    for (int n = 0; n < 6; n++) {
      JsonNode next = workers.granted("worker", "sticky", ",\"session\":\"s\"");
      assertEquals(first, next.get("key").asText());
    }
    JsonNode elsewhere =
        workers.granted("worker", "sticky", ",\"avoid\":[\"sticky-1\",\"sticky-2\"]");
    assertEquals("sticky-3", elsewhere.get("key").asText());
  }

  @Test
  void a_provider_of_others_is_not_found() throws Exception {
    workers.cancelled("narrow", workers.granted("narrow", "ours", ""));
    workers.refused(404, "narrow", "theirs", "");
    workers.cancelled("worker", workers.granted("worker", "theirs", ""));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "refused {}",
        "refused {\"status\":200}",
        "refused {\"status\":0}",
        "refused {\"status\":999}",
        "refused {\"status\":-429}",
        "refused {\"status\":\"429\"}",
        "refused {\"status\":4294967725}",
        "refused {\"status\":429,\"headers\":[]}",
        "refused {\"status\":429,\"headers\":{\"a\":{}}}",
        "refused {\"status\":429,\"body\":{}}",
        "settle {\"input_tokens\":-1}",
        "settle {\"input_tokens\":1e30}",
        "settle {\"input_tokens\":9223372036854775807}",
        "settle {\"input_tokens\":1,\"requests\":2}",
        "settle {\"input_tokens\":1,\"requests\":-1}",
        "settle {\"input_tokens\":1,\"cache_read_tokens\":2}",
        "progress {\"output_tokens\":-1}",
        "progress [1]",
        "observed {\"headers\":7}",
      })
  void what_makes_no_sense_changes_nothing(String call) throws Exception {
    JsonNode lease = workers.granted("worker", "wrong", "");
    String[] words = call.split(" ", 2);
    workers.told(400, "worker", lease, words[0], words[1]);
    workers.told(200, "worker", lease, "progress", "{\"output_tokens\":1}");
    workers.cancelled("worker", lease);
    assertEquals("active", workers.pool("wrong").at("/keys/0/status").asText());
  }

  @Test
  void a_refusal_is_bounded() throws Exception {
    JsonNode lease = workers.granted("worker", "wrong", "");
    String large = "{\"status\":401,\"body\":\"%s\"}".formatted("x".repeat(1_000_000));
    workers.told(413, "worker", lease, "refused", large);
    String many = "{\"status\":401,\"headers\":%s}".formatted(manyLines(1_000));
    workers.told(400, "worker", lease, "refused", many);
    String one = "{\"status\":401,\"headers\":{\"a\":[%s\"\"]}}".formatted("\"\",".repeat(300));
    workers.told(400, "worker", lease, "refused", one);
    workers.cancelled("worker", lease);
    assertEquals("active", workers.pool("wrong").at("/keys/0/status").asText());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"anthropic-ratelimit-requests-limit\":\"0\"",
        "\"anthropic-ratelimit-requests-limit\":\"-5\"",
        "\"anthropic-ratelimit-requests-limit\":\"NaN\"",
        "\"anthropic-ratelimit-requests-limit\":\"1e400\"",
        "\"anthropic-ratelimit-requests-limit\":\"99999999999999999999999999\"",
        "\"anthropic-ratelimit-requests-limit\":\"1000000000001\"",
        "\"anthropic-ratelimit-requests-limit\":[\"1\",\"2\"]",
        "\"anthropic-ratelimit-requests-limit\":null",
        "\"anthropic-ratelimit-requests-remaining\":\"0\"",
        "\"anthropic-ratelimit-requests-limit\\r\\nx\":\"1\"",
        "\"x-ratelimit-limit-requests\":\"-1\"",
        "\"\":\"\"",
      })
  void absurd_limits_are_not_learned(String header) throws Exception {
    JsonNode lease = workers.granted("worker", "absurd", "");
    workers.told(200, "worker", lease, "observed", "{\"headers\":{%s}}".formatted(header));
    workers.cancelled("worker", lease);
    for (int n = 0; n < 2; n++) {
      workers.cancelled("worker", workers.granted("worker", "absurd", ",\"requests\":100"));
    }
    JsonNode group = workers.pool("absurd").at("/groups/0");
    assertEquals(1_000, group.at("/limits/rpm").asInt(), group::toString);
  }

  /** One worker that counts bytes for tokens must not put a pool out of use for ever. */
  @ParameterizedTest
  @ValueSource(strings = {"sliding_window", "token_bucket"})
  void an_absurd_use_is_over_with_its_window(String pool) throws Exception {
    JsonNode lease = workers.granted("worker", pool, "");
    workers.settled("worker", lease, 1_000_000_000_000L, 1_000_000_000_000L);
    Answer next = workers.acquire("other", pool, "");
    assertEquals(429, next.status(), next::text);
    long waits = Long.parseLong(String.valueOf(next.header("retry-after-ms")));
    assertTrue(waits < 60_000, "not the months in which such a debt flows off: " + waits);
  }

  @Test
  void an_absurd_report_does_not_put_a_pool_out_of_use() throws Exception {
    JsonNode lease = workers.granted("worker", "made", "");
    workers.told(200, "worker", lease, "progress", "{\"output_tokens\":1000000000000}");
    workers.cancelled("worker", lease);
    Answer next = workers.acquire("other", "made", "");
    long waits =
        Long.parseLong(next.status() == 200 ? "0" : String.valueOf(next.header("retry-after-ms")));
    assertTrue(waits < 60_000, next::toString);
  }

  @Test
  void a_worker_is_trusted_with_refusals_until_relay_has_asked_itself() throws Exception {
    JsonNode lease = workers.granted("worker", "trusted", "");
    workers.told(200, "worker", lease, "refused", "{\"status\":401}");
    Await.until(
        "the key is out of use",
        () -> workers.pool("trusted").at("/keys/0/status").asText().equals("quarantined"));
    assertEquals(503, workers.acquire("other", "trusted", "").status());
  }

  @Test
  void a_bulk_leaves_others_their_share() throws Exception {
    JsonNode all = workers.granted("worker", "shared", ",\"requests\":1000,\"partial\":true");
    assertEquals(100, all.get("requests").asInt(), "nobody else wants any");
    double before = workers.metric("relay_waiting");
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<JsonNode> waits =
          threads.submit(
              () -> workers.granted("other", "shared", ",\"requests\":10,\"wait_ms\":50000"));
      Await.until("it waits", () -> workers.metric("relay_waiting") > before);
      workers.told(200, "worker", all, "settle", "{\"input_tokens\":0,\"requests\":0}");
      Answer greedy = workers.acquire("worker", "shared", ",\"requests\":1000,\"partial\":true");
      assertTrue(
          greedy.status() == 429 || greedy.json().get("requests").asInt() <= 90, greedy::text);
      assertEquals(10, waits.get().get("requests").asInt());
    }
  }

  @Test
  void no_log_line_metric_or_page_names_a_lease_or_a_secret() throws Exception {
    JsonNode lease = workers.granted("worker", "theirs", "");
    String id = lease.get("lease").asText();
    double requests = workers.metric(requestsOf("theirs"));
    workers.settled("worker", lease, 7, 3);
    String line = "\"call\":\"settle\",\"lease\":\"" + id.substring(0, 8) + "\"";
    Await.until("its line is written", () -> logs().contains(line));
    String logs = logs();
    assertTrue(logs.contains("\"call\":\"acquire\",\"lease\":\"" + id.substring(0, 8) + "\""));
    for (String secret : List.of(id, Setup.clientKey("worker"), Setup.secret("theirs"))) {
      assertEquals(-1, logs.indexOf(secret));
      assertEquals(-1, replicas.admin(0, "/metrics").text().indexOf(secret));
    }
    assertEquals(requests, workers.metric(requestsOf("theirs")), "a lease is no request");
    String events = "relay_leases_total{client=\"worker\",event=\"%s\",pool=\"theirs\"}";
    assertTrue(workers.metric(events.formatted("granted")) >= 1);
    assertTrue(workers.metric(events.formatted("settled")) >= 1);
  }

  private static String requestsOf(String pool) {
    return "relay_requests_total{model=\"%s\",origin=\"relay\",provider=\"%s\",status=\"200\"}"
        .formatted(pool, pool);
  }

  private String logs() {
    return replicas.get(0).log() + replicas.get(1).log();
  }
}
