package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.e2e.RawProvider.Received;
import relay.model.Dialect;
import relay.model.Endpoint;

/** Counting tokens is free: it passes while messages must wait, and uses none of their limits. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CountTokensTest {
  private final RawProvider provider = new RawProvider((request, connection) -> {});
  private final Replicas replicas =
      new Setup()
          .provider("full", Dialect.ANTHROPIC, provider.url(), Setup.key("f", "rpm_limit: 1"))
          .provider("cooled", Dialect.ANTHROPIC, provider.url(), keys("c"))
          .provider("limited", Dialect.ANTHROPIC, provider.url(), keys("l"))
          .provider("refused", Dialect.ANTHROPIC, provider.url(), keys("r"))
          .provider("spread", Dialect.ANTHROPIC, provider.url(), keys("s"))
          .start(2);

  CountTokensTest() throws Exception {}

  private static String[] keys(String pool) {
    return new String[] {Setup.key(pool + "1"), Setup.key(pool + "2")};
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private Answer count(int replica, String model) throws Exception {
    return RawClient.ask(
        replicas.port(replica),
        Ask.of(Dialect.ANTHROPIC, model).target(Endpoint.COUNT_TOKENS.path()));
  }

  private void everyAnswerIs(String bytes) {
    provider.script((request, connection) -> connection.write(bytes));
  }

  private static String counted() {
    return Says.json(200, "{\"input_tokens\":12}");
  }

  @Test
  void a_key_at_its_limits_still_counts() throws Exception {
    everyAnswerIs(Says.fine(Dialect.ANTHROPIC));
    Ask message = Ask.of(Dialect.ANTHROPIC, "full");
    assertEquals(200, RawClient.ask(replicas.port(0), message).status());
    assertEquals(429, RawClient.ask(replicas.port(0), message).status());
    everyAnswerIs(counted());
    for (int n = 0; n < 10; n++) {
      Answer answer = count(n % 2, "full");
      assertEquals("{\"input_tokens\":12}", answer.text());
      assertEquals("f", answer.header("x-relay-key"));
    }
    replicas.awaitLine("full", "f/default", "rpm 1/1 itpm 7/- otpm 3/- inflight 0");
  }

  @Test
  void keys_are_chosen_at_random() throws Exception {
    everyAnswerIs(counted());
    Set<String> used = new HashSet<>();
    for (int n = 0; n < 200 && used.size() < 2; n++) {
      used.add(String.valueOf(count(0, "spread").header("x-relay-key")));
    }
    assertEquals(Set.of("s1", "s2"), used);
  }

  @Test
  void a_group_in_cooldown_is_skipped() throws Exception {
    provider.script(
        (request, connection) ->
            connection.write(
                request.key().equals(Setup.secret("c1"))
                    ? Says.json(
                        429,
                        Says.error(Dialect.ANTHROPIC, "rate_limit_error", "no"),
                        "retry-after: 600")
                    : Says.fine(Dialect.ANTHROPIC)));
    Ask message = Ask.of(Dialect.ANTHROPIC, "cooled");
    for (int n = 0; provider.received("cooled").stream().noneMatch(CountTokensTest::isC1); n++) {
      assertTrue(n < 50, "the first key is never used");
      assertEquals(200, RawClient.ask(replicas.port(0), message).status());
    }
    replicas.awaitLine("cooled", "c1/default", "cooldown_ms [1-9]\\d*");
    everyAnswerIs(counted());
    for (int n = 0; n < 20; n++) {
      assertEquals("c2", count(1, "cooled").header("x-relay-key"));
    }
  }

  private static boolean isC1(Received request) {
    return request.key().equals(Setup.secret("c1"));
  }

  @Test
  void a_429_for_counting_does_not_affect_messages() throws Exception {
    everyAnswerIs(
        Says.json(
            429, Says.error(Dialect.ANTHROPIC, "rate_limit_error", "no"), "retry-after: 600"));
    Answer limited = count(0, "limited");
    Errors.relays(limited, Dialect.ANTHROPIC, 429, "rate_limit_error");
    assertTrue(Errors.retryAfterMs(limited) > 500_000, limited.toString());
    Set<String> tried = new HashSet<>();
    provider.received("limited").forEach(request -> tried.add(request.key()));
    assertEquals(Set.of(Setup.secret("l1"), Setup.secret("l2")), tried);
    everyAnswerIs(Says.fine(Dialect.ANTHROPIC));
    Ask message = Ask.of(Dialect.ANTHROPIC, "limited");
    assertEquals(200, RawClient.ask(replicas.port(1), message).status());
  }

  @Test
  void a_key_that_the_provider_refuses_is_quarantined() throws Exception {
    provider.script(
        (request, connection) ->
            connection.write(
                request.key().equals(Setup.secret("r1"))
                    ? Says.json(401, Says.error(Dialect.ANTHROPIC, "authentication_error", "no"))
                    : counted()));
    for (int n = 0; n < 50 && provider.received("refused").stream().noneMatch(this::isR1); n++) {
      assertEquals(200, count(0, "refused").status());
    }
    replicas.awaitLine("refused", "r1", "status quarantined");
    List<Received> before = provider.received("refused");
    for (int n = 0; n < 20; n++) {
      assertEquals("r2", count(1, "refused").header("x-relay-key"));
    }
    assertEquals(before.size() + 20, provider.received("refused").size());
  }

  private boolean isR1(Received request) {
    return request.key().equals(Setup.secret("r1"));
  }
}
