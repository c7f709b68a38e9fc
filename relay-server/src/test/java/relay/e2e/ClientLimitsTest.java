package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * Clients' own limits over two replicas. Each test has its own client and provider, so Redis shows
 * the charges of each.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ClientLimitsTest {
  private static final String POOL = "@clients";
  private static final int MOST_ATTEMPTS = 20;
  private static final long CLOCK_NANOS = 30_000_000; // so far a busy pool's clock may be behind
  private static final long SLOT_NANOS = 60_000_000_000L / 240; // two: longer than a delay

  private final RawProvider provider = new RawProvider((request, connection) -> {});
  private final Replicas replicas = setup().start(2);

  ClientLimitsTest() throws Exception {}

  private Setup setup() throws IOException {
    Setup setup = new Setup();
    client(setup, "rpm", "rpm_limit: 4", "");
    for (int n = 0; n < MOST_ATTEMPTS; n++) {
      client(setup, "exact" + n, "rpm_limit: 60", "");
    }
    client(setup, "tokens", "tpm_limit: 1000", "");
    client(setup, "few", "max_concurrent: 2", "");
    client(setup, "one", "max_concurrent: 1", "");
    client(setup, "full", "rpm_limit: 1000", "rpm_limit: 4");
    client(setup, "small", "otpm_limit: 100", "");
    client(setup, "uncounted", "rpm_limit: 4", "");
    client(setup, "seen", "rpm_limit: 10, max_concurrent: 8", "");
    setup.client("twice", "rpm_limit: 1000");
    setup.provider(
        "twice", Dialect.ANTHROPIC, provider.url(), Setup.key("twice-1"), Setup.key("twice-2"));
    setup.client("nowhere", "rpm_limit: 1000");
    setup.provider("nowhere", Dialect.ANTHROPIC, Setup.nowhere(), Setup.key("nowhere"));
    return setup;
  }

  private void client(Setup setup, String name, String limits, String keyLimits) {
    setup.client(name, limits);
    setup.provider(name, Dialect.ANTHROPIC, provider.url(), Setup.key(name, keyLimits));
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private static Ask ask(String client) {
    return askFor(client, client);
  }

  private static Ask askFor(String model, String client) {
    return Ask.of(Dialect.ANTHROPIC, model).from(client);
  }

  private void answersWell() {
    provider.script((request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
  }

  private void awaitClient(String client, String pattern) throws Exception {
    replicas.awaitLine(POOL, client + "/default", pattern);
  }

  private void awaitProvider(String name, String pattern) throws Exception {
    replicas.awaitLine(name, name + "/default", pattern);
  }

  @Test
  void requests_are_limited_over_all_replicas_without_effect_on_other_clients() throws Exception {
    answersWell();
    long began = System.nanoTime();
    List<Answer> answers = new ArrayList<>();
    List<Long> asked = new ArrayList<>(); // ms
    List<Long> answered = new ArrayList<>();
    for (int n = 0; n < 6; n++) {
      asked.add(System.nanoTime() / 1_000_000);
      answers.add(RawClient.ask(replicas.port(n % 2), ask("rpm")));
      answered.add(System.nanoTime() / 1_000_000 + 1);
      Ask another = Ask.of(Dialect.ANTHROPIC, "rpm");
      assertEquals(200, RawClient.ask(replicas.port(n % 2), another).status());
    }
    // half of the limit at once, then one request every 15 s
    long most = 2 + (System.nanoTime() - began) / 15_000_000_000L;
    long served = answers.stream().filter(answer -> answer.status() == 200).count();
    assertTrue(served >= 2 && served <= most, served + " of " + most);
    long last = 0; // the earliest moment that the answer before may have meant
    int refused = 0;
    for (int n = 0; n < answers.size(); n++) {
      Answer answer = answers.get(n);
      if (answer.status() != 200) {
        String message = Errors.relays(answer, Dialect.ANTHROPIC, 429, "rate_limit_error");
        assertTrue(message.contains("client rpm is at its own limit (rpm_limit 4 "), message);
        long told = Errors.retryAfterMs(answer);
        // The third has to wait for the first two that were served to leave the window, which has
        // one of 480 slots more than a minute.
        long latest = ++refused == 1 ? 15_000 + 2 * 125 : 15_000L * refused + 16_000;
        assertTrue(told <= latest, answer.toString());
        // Two may be due at one moment: when the first two, which came together, leave the window.
        assertTrue(answered.get(n) + told >= last, told + " of " + answer);
        last = asked.get(n) + told;
      }
    }
    awaitClient(
        "rpm",
        "rpm %d/4 itpm %d/- otpm %d/-.* inflight 0".formatted(served, 7 * served, 3 * served));
    awaitProvider("rpm", "rpm %d/- .*inflight 0".formatted(served + 6)); // refusals charged nothing
  }

  @Test
  void retry_after_of_a_clients_limit_is_exact() throws Exception {
    answersWell();
    int conclusive = 0;
    for (int n = 0; conclusive < 2; n++) {
      assertTrue(n < MOST_ATTEMPTS, "no attempt was conclusive");
      conclusive += isShownExact("exact" + n) ? 1 : 0;
    }
  }

  /**
   * Whether this process was quick enough to come a slot before the time. If it was not, the client
   * may have a promise that it does not take up, and its later times tell nothing.
   */
  private boolean isShownExact(String client) throws Exception {
    for (int n = 0; n < 200; n++) {
      long asked = System.nanoTime();
      Answer answer = RawClient.ask(replicas.port(n % 2), ask(client));
      long answered = System.nanoTime();
      if (answer.status() == 200) {
        continue;
      }
      long wait = Errors.retryAfterMs(answer) * 1_000_000;
      Await.moment(asked + wait - 1_000_000 - SLOT_NANOS - SLOT_NANOS / 4);
      int early = RawClient.ask(replicas.port(0), ask(client)).status();
      if (System.nanoTime() > asked + wait - 1_000_000 - SLOT_NANOS) {
        return false;
      }
      assertEquals(429, early, "granted a slot before its time");
      Await.moment(answered + wait + CLOCK_NANOS);
      Answer due = RawClient.ask(replicas.port(1), ask(client));
      assertEquals(200, due.status(), () -> answer + " said its time, but then " + due);
      return true;
    }
    throw new AssertionError("never refused");
  }

  @Test
  void tokens_are_settled_to_the_actual_usage() throws Exception {
    answersWell();
    Ask large = ask("tokens").body(Ask.body("tokens", "\"max_tokens\":400,"));
    for (int n = 0; n < 10; n++) {
      Answer answer = RawClient.ask(replicas.port(0), large);
      assertEquals(200, answer.status(), "each reserves 400 of the 1000: " + answer);
    }
    awaitClient("tokens", "rpm 10/- itpm 70/- otpm 30/- tpm 100/1000 inflight 0");
    awaitProvider("tokens", "rpm 10/- itpm 70/- otpm 30/- .*inflight 0");
  }

  @Test
  void concurrent_requests_are_limited_over_all_replicas() throws Exception {
    CountDownLatch held = new CountDownLatch(2);
    CountDownLatch go = new CountDownLatch(1);
    provider.script(
        (request, connection) -> {
          held.countDown();
          assertTrue(go.await(20, TimeUnit.SECONDS));
          connection.write(Says.fine(Dialect.ANTHROPIC));
        });
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Answer>> both = new ArrayList<>();
      for (int n = 0; n < 2; n++) {
        int port = replicas.port(n);
        both.add(threads.submit(() -> RawClient.ask(port, ask("few"))));
      }
      assertTrue(held.await(20, TimeUnit.SECONDS));
      for (int n = 0; n < 2; n++) {
        Answer third = RawClient.ask(replicas.port(n), ask("few"));
        String message = Errors.relays(third, Dialect.ANTHROPIC, 429, "rate_limit_error");
        assertTrue(message.contains("(max_concurrent 2)"), message);
        assertEquals(1_000, Errors.retryAfterMs(third));
      }
      awaitClient("few", "rpm 2/- .*inflight 2");
      go.countDown();
      for (Future<Answer> one : both) {
        assertEquals(200, one.get(20, TimeUnit.SECONDS).status());
      }
    }
    awaitClient("few", "rpm 2/- .*inflight 0");
    awaitProvider("few", "rpm 2/- .*inflight 0");
  }

  @Test
  void sequential_requests_never_count_as_concurrent() throws Exception {
    answersWell();
    try (RawClient wire = new RawClient(replicas.port(0))) {
      for (int n = 0; n < 30; n++) {
        assertEquals(200, wire.send(ask("one")).answer().status(), "request " + n);
      }
    }
    awaitClient("one", "rpm 30/- .*inflight 0");
  }

  @Test
  void a_refusal_by_the_pool_charges_the_client_nothing() throws Exception {
    answersWell();
    int served = 0;
    for (int n = 0; n < 6; n++) {
      Answer answer = RawClient.ask(replicas.port(n % 2), ask("full"));
      if (answer.status() == 200) {
        served++;
      } else {
        String message = Errors.relays(answer, Dialect.ANTHROPIC, 429, "rate_limit_error");
        assertFalse(message.contains("client"), message);
      }
    }
    assertTrue(served < 6, "the pool refused nothing");
    awaitClient(
        "full",
        "rpm %d/1000 itpm %d/- otpm %d/- .*inflight 0".formatted(served, 7 * served, 3 * served));
  }

  @Test
  void a_request_larger_than_the_clients_whole_limit_is_refused_without_retry() throws Exception {
    answersWell();
    Ask large = ask("small").body(Ask.body("small", "\"max_tokens\":500,"));
    Answer answer = RawClient.ask(replicas.port(0), large);
    String message = Errors.relays(answer, Dialect.ANTHROPIC, 400, "invalid_request_error");
    assertTrue(message.contains("otpm limit of 100 of client small"), message);
    Await.until(
        "the pool is as it was",
        () -> {
          JsonNode group = replicas.admin(0, "/pools/small").json().at("/groups/0");
          return group.at("/used/rpm").asInt() == 0 && group.get("in_flight").asInt() == 0;
        });
  }

  @Test
  void uncharged_requests_are_not_charged_to_the_client() throws Exception {
    provider.script(
        (request, connection) -> connection.write(Says.json(200, "{\"input_tokens\":7}")));
    for (int n = 0; n < 8; n++) {
      Ask count = ask("uncounted").target("/v1/messages/count_tokens");
      assertEquals(200, RawClient.ask(replicas.port(n % 2), count).status());
    }
    assertEquals(0, replicas.client(0, "uncounted").at("/used/rpm").asInt());
  }

  @Test
  void a_request_that_takes_two_attempts_counts_once() throws Exception {
    List<Integer> statuses = new ArrayList<>(List.of(500, 200));
    provider.script(
        (request, connection) ->
            connection.write(
                statuses.removeFirst() == 200
                    ? Says.fine(Dialect.ANTHROPIC)
                    : Says.json(500, Says.error(Dialect.ANTHROPIC, "api_error", "oops"))));
    Answer answer = RawClient.ask(replicas.port(0), ask("twice"));
    assertEquals(200, answer.status(), answer.toString());
    assertEquals("2", answer.header("x-relay-attempts"));
    awaitClient("twice", "rpm 1/1000 itpm 7/- otpm 3/- .*inflight 0");
  }

  @Test
  void a_request_that_was_never_sent_is_not_charged() throws Exception {
    assertEquals(502, RawClient.ask(replicas.port(0), ask("nowhere")).status());
    Await.until(
        "the client's limits are as they were",
        () -> {
          JsonNode client = replicas.client(0, "nowhere");
          return client.at("/used/rpm").asInt() == 0 && client.get("in_flight").asInt() == 0;
        });
  }

  @Test
  void operators_see_clients_but_not_their_internal_pool() throws Exception {
    answersWell();
    int refused = 0;
    for (int n = 0; n < 7; n++) {
      refused += RawClient.ask(replicas.port(0), ask("seen")).status() == 429 ? 1 : 0;
    }
    assertTrue(refused > 0, "the client has half of 10 at once");
    awaitClient("seen", "rpm %d/10 .*inflight 0".formatted(7 - refused));
    JsonNode seen = replicas.client(0, "seen");
    assertEquals(10, seen.at("/limits/rpm").asInt());
    assertTrue(seen.at("/limits/itpm").isNull(), seen.toString());
    assertEquals(8, seen.at("/limits/max_concurrent").asInt());
    assertEquals(7 - refused, seen.at("/used/rpm").asInt());
    assertEquals(7 * (7 - refused), seen.at("/used/itpm").asInt());
    assertEquals(0, seen.get("in_flight").asInt());
    assertEquals(0, seen.get("cooldown_ms").asInt());
    assertTrue(seen.get("next_capacity_ms").isNumber(), seen.toString());
    assertTrue(replicas.client(0, "default").get("limits").isNull());

    assertFalse(replicas.admin(0, "/pools").text().contains(POOL));
    assertEquals(404, replicas.admin(0, "/pools/" + POOL).status());
    String metrics = replicas.admin(0, "/metrics").text();
    assertFalse(metrics.contains(POOL), "a pool that no provider has");
    assertSeries(metrics, "relay_client_requests_total{client=\"seen\",status=\"429\"} " + refused);
    assertSeries(
        metrics, "relay_client_requests_total{client=\"seen\",status=\"200\"} " + (7 - refused));
    assertSeries(
        metrics, "relay_client_denials_total{client=\"seen\",reason=\"requests\"} " + refused);
    assertSeries(
        metrics, "relay_client_tokens_total{client=\"seen\",type=\"input\"} " + 7 * (7 - refused));
    assertTrue(metrics.contains("relay_client_used_ratio{client=\"seen\",dimension=\"rpm\"}"));
    assertTrue(
        metrics.contains("relay_client_used_ratio{client=\"seen\",dimension=\"concurrent\"}"));
    assertFalse(metrics.contains("relay_client_used_ratio{client=\"default\""));
  }

  private static void assertSeries(String metrics, String line) {
    assertTrue(metrics.lines().anyMatch((line + ".0")::equals), line);
  }
}
