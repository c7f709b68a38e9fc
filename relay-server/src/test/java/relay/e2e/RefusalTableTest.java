package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.e2e.RawProvider.Received;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * What one client's refused requests do to the others: the rows of the table in docs/errors.md,
 * over two replicas, beside a bystander.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RefusalTableTest {
  private static final Dialect DIALECT = RefusalPools.DIALECT;
  private static final String BAD = "an unwanted word";

  /** The answer to a request; null for a good one. */
  private interface Behaviour {
    @Nullable String refusal(Received request) throws Exception;
  }

  private final Map<String, Behaviour> behaviours = new ConcurrentHashMap<>();
  private final RawProvider provider =
      new RawProvider(
          (request, connection) -> {
            String pool = RefusalPools.poolOf(request);
            Behaviour behaviour = behaviours.get(pool);
            String refusal = behaviour == null ? null : behaviour.refusal(request);
            connection.write(
                refusal != null
                    ? refusal
                    : RefusalPools.isProbe(request)
                        ? Says.json(200, "{\"data\":[]}")
                        : Says.fine(DIALECT));
          });
  private final Replicas replicas = RefusalPools.behind(provider).start(2);

  RefusalTableTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private static boolean isBad(Received request) {
    return request.text().contains(BAD);
  }

  private static boolean isOf(Received request, String key) {
    return request.key().equals(Setup.secret(key));
  }

  private static String error(int status, String type, String message, String... headers) {
    return Says.json(status, Says.error(DIALECT, type, message), headers);
  }

  private Answer ask(int replica, String client, String model) throws Exception {
    return RawClient.ask(replicas.port(replica), Ask.of(DIALECT, model).from(client));
  }

  private Answer askBadly(int replica, String client, String model) throws Exception {
    return RawClient.ask(
        replicas.port(replica),
        Ask.of(DIALECT, model)
            .body(Ask.body(model, "").replace("Hello", BAD + " Hello"))
            .from(client));
  }

  /** The bystander is served each time, over both replicas. */
  private void assertUnharmed(String model, int times) throws Exception {
    for (int n = 0; n < times; n++) {
      Answer answer = ask(n % 2, "by", model);
      assertEquals(200, answer.status(), "request " + n + ": " + answer);
    }
  }

  private void awaitActive(String pool) throws Exception {
    for (int n = 1; n <= RefusalPools.accountsOf(pool); n++) {
      replicas.awaitLine(pool, pool + "-" + n, "status active .*cooldown_ms 0.*");
    }
  }

  private long received(String pool) {
    return provider.received().stream()
        .filter(
            request -> !RefusalPools.isProbe(request) && RefusalPools.poolOf(request).equals(pool))
        .count();
  }

  private static void assertProviders(Answer answer, int status) {
    assertEquals(status, answer.status(), answer.toString());
    assertEquals("upstream", answer.header("x-relay-error-origin"), answer.toString());
    assertFalse(answer.text().contains("secret"), answer.text());
    assertFalse(answer.text().contains("org-4711"), answer.text());
  }

  @ParameterizedTest
  @CsvSource({
    "r403, 403, permission_error, blocked by a filter: key KEY of org-4711",
    "r402, 402, billing_error, 'this request requires more credits, or fewer max_tokens (KEY)'",
    "r400, 400, invalid_request_error, You have reached your specified API usage limits: org-4711",
    "r429q, 429, insufficient_quota, \"insufficient_quota\"",
    "r429s, 429, rate_limit_error, \"enforced_spend_limit_reached\""
  })
  void what_two_accounts_refuse_alike_is_the_requests_fault(
      String pool, int status, String type, String message) throws Exception {
    behaviours.put(
        pool,
        request -> {
          if (!isBad(request)) {
            return null;
          }
          return message.startsWith("\"")
              ? Says.json(status, "{\"error\":{\"code\":" + message + ",\"message\":\"no\"}}")
              : error(status, type, message.replace("KEY", request.key()));
        });
    for (int n = 0; n < 6; n++) {
      Answer answer = askBadly(n % 2, "x", pool + "-a");
      assertProviders(answer, status);
      assertEquals("2", answer.header("x-relay-attempts"), answer.toString());
      assertUnharmed(pool + "-a", 4);
    }
    awaitActive(pool);
    assertUnharmed(pool + "-a", 12);
  }

  @Test
  void a_key_that_a_provider_refuses_goes_out_of_use_when_another_serves() throws Exception {
    behaviours.put(
        "dead",
        request -> isOf(request, "dead-1") ? error(403, "permission_error", "disabled") : null);
    for (int n = 0; n < 6; n++) {
      assertEquals(200, ask(n % 2, "x", "dead-a").status());
    }
    replicas.awaitLine("dead", "dead-1", "status quarantined .*");
    replicas.awaitLine("dead", "dead-2", "status active .*");
    long before = received("dead");
    assertUnharmed("dead-a", 12);
    assertEquals(before + 12, received("dead"), "a quarantined key was used");
  }

  @Test
  void a_filter_of_one_account_stops_it_for_nobody_else() throws Exception {
    behaviours.put(
        "two",
        request ->
            isOf(request, "two-1") && isBad(request)
                ? error(403, "permission_error", "blocked")
                : null);
    assertUnharmed("two-a", 4);
    for (int n = 0; n < 6; n++) {
      assertEquals(200, askBadly(n % 2, "x", "two-a").status());
      assertUnharmed("two-a", 4);
    }
    awaitActive("two");
  }

  @Test
  void with_one_account_a_probe_tells_a_refused_request_from_a_refused_key() throws Exception {
    behaviours.put(
        "mine", request -> isBad(request) ? error(403, "permission_error", "blocked") : null);
    for (int n = 0; n < 4; n++) {
      assertProviders(askBadly(n % 2, "x", "mine-a"), 403);
      assertUnharmed("mine-a", 2);
    }
    awaitActive("mine");

    behaviours.put("gone", request -> error(403, "permission_error", "disabled"));
    Errors.relays(ask(0, "x", "gone-a"), DIALECT, 503, "api_error");
    replicas.awaitLine("gone", "gone-1", "status quarantined .*");
    behaviours.remove("gone");
    replicas.awaitLine("gone", "gone-1", "status active .*");
    assertUnharmed("gone-a", 2);
  }

  @Test
  void with_one_account_a_second_client_proves_that_its_money_is_spent() throws Exception {
    behaviours.put("poor", request -> error(402, "billing_error", "no credits"));
    for (int n = 0; n < 3; n++) {
      assertProviders(ask(n % 2, "x", "poor-a"), 402);
    }
    replicas.awaitLine("poor", "poor-1", "status active .*");
    Errors.relays(ask(1, "y", "poor-a"), DIALECT, 503, "api_error");
    replicas.awaitLine("poor", "poor-1", "status quarantined .*");
    behaviours.remove("poor");
    Await.until("the account serves", () -> ask(0, "y", "poor-a").status() == 200);
  }

  @Test
  void a_passing_probe_lifts_a_quarantine_and_the_same_client_does_not_bring_it_back()
      throws Exception {
    behaviours.put(
        "again",
        request ->
            isOf(request, "again-1") && isBad(request)
                ? error(403, "permission_error", "blocked")
                : null);
    Await.until( // one of the two accounts refuses it
        "the refusal",
        () -> {
          assertEquals(200, askBadly(0, "x", "again-a").status());
          return replicas.line("again", "again-1").startsWith("status quarantined");
        });
    replicas.awaitLine("again", "again-1", "status active .*");
    for (int n = 0; n < 8; n++) {
      assertEquals(200, askBadly(n % 2, "x", "again-a").status());
    }
    replicas.awaitLine("again", "again-1", "status active .*");
    assertUnharmed("again-a", 4);
  }

  @Test
  void a_model_that_is_refused_leaves_its_class_alone() throws Exception {
    behaviours.put(
        "model",
        request ->
            request.isFor("model-b")
                ? error(429, "rate_limit_error", "no such limit", "retry-after: 30")
                : null);
    for (int replica = 0; replica < 2; replica++) { // each has seen each account serve the other
      Set<String> keys = new HashSet<>();
      while (keys.size() < RefusalPools.accountsOf("model")) {
        keys.add(ask(replica, "by", "model-a").header("x-relay-key"));
      }
    }
    for (int n = 0; n < 4; n++) {
      Answer refused = ask(n % 2, "x", "model-b");
      Errors.relays(refused, DIALECT, 429, "rate_limit_error");
      if (n >= 2) {
        long ms = Errors.retryAfterMs(refused);
        assertTrue(ms > 20_000 && ms <= 30_000, "told " + ms);
      }
      assertUnharmed("model-a", 12);
    }
    long refusals = provider.received("model-b").size();
    assertTrue(refusals <= 8, "another replica knows it half a second later: " + refusals);
    awaitActive("model");
  }

  @Test
  void an_account_without_a_right_to_a_model_serves_the_others() throws Exception {
    behaviours.put(
        "right",
        request ->
            isOf(request, "right-1") && request.isFor("right-b")
                ? error(403, "permission_error", "no right to this model")
                : null);
    assertUnharmed("right-a", 6);
    for (int n = 0; n < 6; n++) {
      Answer answer = ask(n % 2, "x", "right-b");
      assertEquals(200, answer.status(), answer::toString);
    }
    awaitActive("right");
    assertUnharmed("right-a", 6);
    long tried = provider.received("right-b").stream().filter(r -> isOf(r, "right-1")).count();
    assertTrue(tried <= 2, "tried " + tried + " times");
  }

  @Test
  void a_refused_long_context_leaves_shorter_ones_alone() throws Exception {
    behaviours.put(
        "long",
        request ->
            isBad(request)
                ? error(
                    429,
                    "rate_limit_error",
                    "Extra usage is required for long context requests.",
                    "retry-after: 30")
                : null);
    assertUnharmed("long-a", 2);
    String text = (BAD + " ").repeat(5_000);
    for (int n = 0; n < 3; n++) {
      Ask ask =
          Ask.of(DIALECT, "long-a")
              .body(Ask.body("long-a", "").replace("Hello", text))
              .from(n == 0 ? "by" : "x");
      Errors.relays(RawClient.ask(replicas.port(0), ask), DIALECT, 429, "rate_limit_error");
      assertUnharmed("long-a", 4);
    }
    assertEquals(1, provider.received("long-a").stream().filter(r -> isBad(r)).count());
  }

  @Test
  void one_clients_429_beside_others_that_are_served_is_its_own() throws Exception {
    behaviours.put(
        "word",
        request ->
            isBad(request) ? error(429, "rate_limit_error", "slow down", "retry-after: 30") : null);
    assertUnharmed("word-a", 2);
    for (int n = 0; n < 3; n++) {
      Answer refused = askBadly(0, "x", "word-a");
      Errors.relays(refused, DIALECT, 429, "rate_limit_error");
      assertUnharmed("word-a", 4);
    }
    assertEquals(1, provider.received("word-a").stream().filter(r -> isBad(r)).count());
  }

  /** Two requests run; the provider takes no third, and says no time. */
  @Test
  void too_many_requests_at_once_stop_an_account_for_a_moment() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    behaviours.put(
        "many",
        request -> {
          if (!isBad(request)) {
            return error(429, "rate_limit_error", "too many concurrent requests, please wait");
          }
          end.await();
          return null;
        });
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Answer>> running = new ArrayList<>();
      for (int n = 0; n < 2; n++) {
        int replica = n;
        running.add(threads.submit(() -> askBadly(replica, "by", "many-a")));
      }
      replicas.awaitLine("many", "many-1/default", ".*inflight 2 .*");
      for (int n = 0; n < 8; n++) {
        Answer refused = ask(n % 2, "x", "many-a");
        Errors.relays(refused, DIALECT, 429, "rate_limit_error");
        long ms = Errors.retryAfterMs(refused);
        assertTrue(ms < 500, "told " + ms); // a class that cools down is told 1,000
      }
      end.countDown();
      for (Future<Answer> one : running) {
        assertEquals(200, one.get().status());
      }
    }
  }

  @Test
  void when_two_clients_are_refused_the_class_cools_down() throws Exception {
    assertUnharmed("both-a", 2);
    behaviours.put(
        "both", request -> error(429, "rate_limit_error", "slow down", "retry-after: 30"));
    Errors.relays(ask(0, "x", "both-a"), DIALECT, 429, "rate_limit_error");
    Errors.relays(ask(1, "y", "both-a"), DIALECT, 429, "rate_limit_error");
    long before = received("both");
    Answer third = ask(0, "by", "both-a");
    Errors.relays(third, DIALECT, 429, "rate_limit_error");
    assertTrue(Errors.retryAfterMs(third) > 20_000, third.toString());
    assertEquals(before, received("both"));
    replicas.awaitLine("both", "both-1/default", ".*cooldown_ms [1-9].*");
  }
}
