package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * Workers that call providers by themselves, with leases of two replicas: each call goes to another
 * one than the call before. Each test has a provider of its own, so Redis shows its charges.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LeasesTest {
  private static final String LEASES = "/v1/relay/leases";
  private static final String WAITING = "relay_waiting";

  private final RawProvider provider = new RawProvider((request, connection) -> {});
  private final Replicas replicas = setup().start(2);
  private int calls;

  LeasesTest() throws Exception {}

  private Setup setup() throws IOException {
    Setup setup =
        new Setup()
            .client("worker", "leases: true")
            .client("other", "leases: true")
            .client("limited", "leases: true, rpm_limit: 3")
            .client("plain");
    pool(setup, "used", "itpm_limit: 100000, otpm_limit: 20000");
    pool(setup, "repeated", "rpm_limit: 10");
    pool(setup, "cancelled", "rpm_limit: 10");
    pool(setup, "dead", "rpm_limit: 10, itpm_limit: 100000, max_concurrent: 1");
    pool(setup, "refused", "rpm_limit: 10");
    pool(setup, "observed", "");
    pool(setup, "untaught", "otpm_limit: 100000");
    pool(setup, "partly", "rpm_limit: 40, itpm_limit: 100000, otpm_limit: 20000");
    pool(setup, "bulk", "rpm_limit: 40, itpm_limit: 100000");
    pool(setup, "mine", "rpm_limit: 100");
    pool(setup, "busy", "max_concurrent: 1");
    pool(setup, "foreign", "rpm_limit: 10");
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

  private Answer call(String client, String method, String path, String body) throws IOException {
    int port = replicas.port(calls++ % 2);
    return RawClient.ask(
        port, Ask.of(Dialect.OPENAI, "").method(method).target(path).from(client).body(body));
  }

  /** More members of the body begin with a comma. */
  private Answer acquire(String client, String pool, String more) throws IOException {
    return call(
        client,
        "POST",
        LEASES,
        "{\"model\":\"%s\",\"provider\":\"%s\",\"input_tokens\":1200,\"output_tokens\":300%s}"
            .formatted(pool, pool, more));
  }

  private JsonNode granted(String pool, String more) throws IOException {
    Answer answer = acquire("worker", pool, more);
    assertEquals(200, answer.status(), answer::text);
    return answer.json();
  }

  private static String id(JsonNode granted) {
    return granted.get("lease").asText();
  }

  private Answer tell(String client, JsonNode lease, String what, String body) throws IOException {
    return call(client, "POST", LEASES + "/" + id(lease) + "/" + what, body);
  }

  private void told(int status, JsonNode lease, String what, String body) throws IOException {
    Answer answer = tell("worker", lease, what, body);
    assertEquals(status, answer.status(), answer::text);
    if (status == 404) {
      assertEquals("lease_not_found", answer.json().at("/error/code").asText());
    }
  }

  private void cancelled(int status, JsonNode lease) throws IOException {
    assertEquals(status, call("worker", "DELETE", LEASES + "/" + id(lease), "").status());
  }

  private void awaitUse(String pool, String pattern) throws Exception {
    replicas.awaitLine(pool, pool + "/default", pattern);
  }

  @Test
  void any_replica_settles_what_another_granted() throws Exception {
    JsonNode lease = granted("used", "");
    assertEquals("used", lease.get("key").asText());
    assertEquals(1, lease.get("requests").asInt());
    assertEquals(1200, lease.at("/reserved/input_tokens").asInt());
    assertEquals(300, lease.at("/reserved/output_tokens").asInt());
    assertEquals(60_000, lease.get("ttl_ms").asInt());
    awaitUse("used", "itpm 1200/100000 .*inflight 1");
    told(200, lease, "progress", "{\"output_tokens\":100}");
    told(200, lease, "settle", "{\"input_tokens\":1000,\"output_tokens\":250}");
    awaitUse("used", "itpm 1000/100000 otpm 250/20000 inflight 0");
    told(200, lease, "settle", "{\"input_tokens\":1,\"output_tokens\":1}"); // repeated
    told(404, lease, "progress", "{\"output_tokens\":100}");
    told(404, lease, "refused", "{\"status\":429}");
    cancelled(404, lease);
    awaitUse("used", "itpm 1000/100000 otpm 250/20000 inflight 0");
  }

  @Test
  void a_repeated_acquire_gets_the_answer_of_the_first() throws Exception {
    JsonNode first = granted("repeated", ",\"idempotency_key\":\"job-1\"");
    assertEquals(first, granted("repeated", ",\"idempotency_key\":\"job-1\""));
    assertNotEquals(id(first), id(granted("repeated", ",\"idempotency_key\":\"job-2\"")));
    awaitUse("repeated", "rpm 2/10");
    Answer others = acquire("other", "repeated", ",\"idempotency_key\":\"job-1\"");
    assertNotEquals(id(first), id(others.json()));
  }

  @Test
  void a_cancel_gives_all_back() throws Exception {
    JsonNode lease = granted("cancelled", "");
    awaitUse("cancelled", "rpm 1/10");
    cancelled(200, lease);
    awaitUse("cancelled", "rpm 0/10");
    told(404, lease, "settle", "{\"input_tokens\":1000,\"output_tokens\":250}");
    cancelled(404, lease);
  }

  @Test
  void a_dead_worker_loses_its_slot_and_a_late_settle_corrects_the_charge_once() throws Exception {
    JsonNode lease = granted("dead", ",\"ttl_ms\":1000");
    assertEquals(429, acquire("worker", "dead", "").status());
    Await.until(
        "the slot comes back",
        () -> {
          Answer next = acquire("worker", "dead", "");
          if (next.status() == 200) {
            cancelled(200, next.json());
          }
          return next.status() == 200;
        });
    awaitUse("dead", "itpm 1200/100000 .*inflight 0");
    told(404, lease, "progress", "{\"output_tokens\":1}");
    told(404, lease, "refused", "{\"status\":429}");
    cancelled(404, lease);
    told(200, lease, "settle", "{\"input_tokens\":700,\"output_tokens\":1}");
    awaitUse("dead", "itpm 700/100000");
    told(200, lease, "settle", "{\"input_tokens\":5,\"output_tokens\":1}");
    awaitUse("dead", "rpm 1/10 itpm 700/100000");
  }

  @Test
  void a_refusal_cools_the_account_for_all() throws Exception {
    String refusal =
        """
        {"status":429,"headers":{"Retry-After":"50"},\
        "body":"{\\"type\\":\\"error\\",\\"error\\":{\\"type\\":\\"rate_limit_error\\"}}"}\
        """;
    JsonNode lease = granted("refused", "");
    told(200, lease, "refused", refusal);
    told(404, lease, "refused", refusal);
    told(404, lease, "settle", "{\"input_tokens\":1}");
    Answer next = acquire("worker", "refused", "");
    assertEquals(429, next.status());
    long waits = Long.parseLong(String.valueOf(next.header("retry-after-ms")));
    assertTrue(waits > 30_000 && waits <= 50_000, next::toString);
    Answer proxied = RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, "refused"));
    assertEquals(429, proxied.status(), "the proxy knows it, too");
    awaitUse("refused", "rpm 1/10 .*cooldown_ms [1-9][0-9]*");
  }

  @Test
  void what_was_used_before_a_refusal_stays_charged() throws Exception {
    String refusal = "{\"status\":400,\"headers\":{},\"body\":\"\"%s}";
    JsonNode unsent = granted("partly", ",\"requests\":5");
    told(200, unsent, "refused", refusal.formatted(""));
    awaitUse("partly", "rpm 1/40 itpm 0/100000 otpm 0/20000 inflight 0");
    JsonNode told = granted("partly", ",\"requests\":5");
    told(200, told, "progress", "{\"output_tokens\":90}");
    told(400, told, "refused", refusal.formatted(",\"requests\":6"));
    told(400, told, "refused", refusal.formatted(",\"requests\":0"));
    String used = ",\"requests\":3,\"input_tokens\":480,\"output_tokens\":95";
    told(200, told, "refused", refusal.formatted(used));
    told(404, told, "refused", refusal.formatted(used));
    told(404, told, "settle", "{\"input_tokens\":7}");
    awaitUse("partly", "rpm 4/40 itpm 480/100000 otpm 95/20000 inflight 0");
    JsonNode reported = granted("partly", ",\"requests\":5");
    told(200, reported, "progress", "{\"output_tokens\":60}");
    told(200, reported, "refused", refusal.formatted(""));
    awaitUse("partly", "rpm 9/40 itpm 1680/100000 otpm 155/20000 inflight 0");
  }

  @Test
  void a_refused_request_does_not_lower_the_learned_mean() throws Exception {
    String unestimated = "{\"model\":\"untaught\",\"provider\":\"untaught\",\"input_tokens\":1200}";
    String refusal = "{\"status\":400,\"input_tokens\":0,\"output_tokens\":0}";
    Set<String> reserved = new HashSet<>();
    for (int n = 0; n < 20; n++) {
      JsonNode lease = call("worker", "POST", LEASES, unestimated).json();
      reserved.add(lease.get("reserved").toString());
      told(200, lease, "refused", refusal);
      cancelled(404, lease); // so that either replica grants and learns
    }
    assertEquals(1, reserved.size(), reserved::toString);
  }

  @Test
  void limits_of_a_good_answer_are_learned() throws Exception {
    JsonNode lease = granted("observed", "");
    String headers =
        "{\"headers\":{\"anthropic-ratelimit-requests-limit\":\"40\","
            + "\"anthropic-ratelimit-requests-remaining\":\"39\"}}";
    told(200, lease, "observed", headers);
    awaitUse("observed", "rpm 1/40");
    told(200, lease, "settle", "{\"input_tokens\":1000,\"output_tokens\":250}");
    told(404, lease, "observed", headers);
  }

  @Test
  void several_requests_are_one_lease_and_those_unsent_come_back() throws Exception {
    Answer large = acquire("worker", "bulk", ",\"requests\":60");
    assertEquals(400, large.status(), large::text);
    JsonNode some = granted("bulk", ",\"requests\":60,\"partial\":true");
    int got = some.get("requests").asInt();
    assertTrue(got >= 1 && got <= 40, some::toString);
    assertEquals((1200 * got + 59) / 60, some.at("/reserved/input_tokens").asInt());
    awaitUse("bulk", "rpm %d/40 .*inflight 1".formatted(got));
    told(400, some, "settle", "{\"input_tokens\":10,\"requests\":%d}".formatted(got + 1));
    told(200, some, "settle", "{\"input_tokens\":90,\"output_tokens\":2,\"requests\":3}");
    awaitUse("bulk", "rpm 3/40 itpm 90/100000 .*inflight 0");
  }

  @Test
  void a_clients_own_limits_hold() throws Exception {
    JsonNode first = acquire("limited", "mine", ",\"requests\":2").json();
    Answer second = acquire("limited", "mine", ",\"requests\":2");
    assertEquals(429, second.status(), second::text);
    assertEquals(
        200, tell("limited", first, "settle", "{\"input_tokens\":1,\"requests\":1}").status());
    Await.until(
        "the unsent request is back",
        () -> acquire("limited", "mine", ",\"requests\":2").status() == 200);
  }

  @Test
  void a_lease_waits_for_capacity() throws Exception {
    JsonNode first = granted("busy", "");
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Answer> second = threads.submit(() -> acquire("other", "busy", ",\"wait_ms\":30000"));
      Await.until("it waits", () -> replicas.metric(0, WAITING) + replicas.metric(1, WAITING) > 0);
      told(200, first, "settle", "{\"input_tokens\":1,\"output_tokens\":1}");
      assertEquals(200, second.get().status());
    }
  }

  @Test
  void others_find_no_lease() throws Exception {
    JsonNode lease = granted("foreign", "");
    assertEquals(404, tell("other", lease, "settle", "{\"input_tokens\":1}").status());
    String id = id(lease);
    char last = id.charAt(40) == 'A' ? 'B' : 'A';
    for (String guess :
        new String[] {
          "x", id.substring(1), id + "A", id.substring(0, 40) + last + id.substring(41)
        }) {
      String path = LEASES + "/" + guess + "/settle";
      assertEquals(404, call("worker", "POST", path, "{\"input_tokens\":1}").status(), guess);
    }
    awaitUse("foreign", "rpm 1/10 .*inflight 1");
    assertEquals(403, acquire("plain", "foreign", "").status());
    assertEquals(404, acquire("worker", "nobody", "").status());
    assertEquals(413, call("worker", "POST", LEASES, " ".repeat(70_000)).status());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{",
        "{}",
        "{\"model\":\"m\"}",
        "{\"input_tokens\":1}",
        "{\"model\":\"m\",\"input_tokens\":-1}",
        "{\"model\":\"m\",\"input_tokens\":1.5}",
        "{\"model\":\"m\",\"input_tokens\":\"1\"}",
        "{\"model\":\"m\",\"input_tokens\":99999999999999999999999}",
        "{\"model\":\"m\",\"input_tokens\":1,\"ttl_ms\":999}",
        "{\"model\":\"m\",\"input_tokens\":1,\"ttl_ms\":900001}",
        "{\"model\":\"m\",\"input_tokens\":1,\"requests\":0}",
        "{\"model\":\"m\",\"input_tokens\":1,\"requests\":1001}",
        "{\"model\":\"m\",\"input_tokens\":1,\"wait_ms\":-1}",
        "{\"model\":\"m\",\"input_tokens\":1,\"priority\":\"first\"}",
        "{\"model\":\"m\",\"input_tokens\":1,\"avoid\":\"k\"}",
        "{\"model\":\"m\",\"input_tokens\":1,\"input_tokens\":2}",
      })
  void a_wrong_call_is_refused_with_a_reason(String body) throws IOException {
    Answer answer = call("worker", "POST", LEASES, body);
    assertEquals(400, answer.status(), answer::text);
    assertEquals("invalid_request_error", answer.json().at("/error/type").asText());
  }
}
