package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * A key that a provider rejected returns automatically after a successful probe; one quarantined by
 * an operator does not.
 */
@Tag("slow")
class KeyProbesTest {
  private static final String REFUSED = "status quarantined";

  @ParameterizedTest
  @EnumSource
  void a_refused_key_is_probed_by_one_replica_until_the_provider_accepts_it(Dialect dialect)
      throws Exception {
    AtomicBoolean accepts = new AtomicBoolean();
    String pool = "p-" + dialect.name().toLowerCase(Locale.ROOT);
    try (RawProvider provider =
            new RawProvider(
                (request, connection) -> {
                  boolean probe = request.line().startsWith("GET");
                  connection.write(
                      !accepts.get()
                          ? Says.json(401, Says.error(dialect, "authentication_error", "no"))
                          : probe ? Says.json(200, "{\"data\":[]}") : Says.fine(dialect));
                });
        Replicas replicas =
            new Setup()
                .jvm("-Drelay.timings=probe=500")
                .provider(pool, dialect, provider.url(), Setup.key(pool + "-1"))
                .start(2)) {
      Errors.relays(
          RawClient.ask(replicas.port(0), Ask.of(dialect, pool)), dialect, 503, "api_error");
      replicas.awaitLine(pool, pool + "-1", REFUSED);
      Await.until("two probes", () -> provider.received().size() >= 3);
      RawProvider.Received probe = provider.received().get(1);
      assertEquals("GET /v1/models HTTP/1.1", probe.line());
      assertEquals(Setup.secret(pool + "-1"), probe.key());
      accepts.set(true);
      replicas.awaitLine(pool, pool + "-1", "status active");
      assertEquals(200, RawClient.ask(replicas.port(1), Ask.of(dialect, pool)).status());
      long probes = provider.received().stream().filter(r -> r.line().startsWith("GET")).count();
      // Intervals of 0.5, 1, 2, 4 s over both replicas: uncoordinated replicas would send more.
      assertTrue(probes <= 6, "probes: " + probes);
    }
  }

  /** Two of the three keys share the account that may spend no more. */
  @ParameterizedTest
  @CsvSource({
    "ANTHROPIC, 400, ",
    "ANTHROPIC, 400, workspace ",
    "ANTHROPIC, 402, ",
    "OPENAI, 402, "
  })
  void an_account_that_may_spend_no_more_is_tried_now_and_then(
      Dialect dialect, int status, @Nullable String whose) throws Exception {
    AtomicBoolean raised = new AtomicBoolean();
    String text =
        "You have reached your specified "
            + (whose == null ? "" : whose + " ")
            + "API usage limits. You will regain access on 2099-01-01 at 00:00 UTC.";
    String spent = Says.json(status, Says.error(dialect, "invalid_request_error", text));
    try (RawProvider provider =
            new RawProvider(
                (request, connection) ->
                    connection.write(
                        raised.get() || request.key().equals(Setup.secret("other"))
                            ? Says.fine(dialect)
                            : spent));
        Replicas replicas =
            new Setup()
                .jvm("-Drelay.timings=probe=500")
                .provider(
                    "p",
                    dialect,
                    provider.url(),
                    Setup.key("acme-1", "account: acme"),
                    Setup.key("acme-2", "account: acme"),
                    Setup.key("other"))
                .start(2);
        RedisSocket redis = replicas.redisSocket()) {
      for (int n = 0; n < 4; n++) {
        Answer answer = RawClient.ask(replicas.port(n % 2), Ask.of(dialect, "p"));
        assertEquals(200, answer.status(), answer.toString());
        assertEquals("other", answer.header("x-relay-key"));
      }
      replicas.awaitLine("p", "acme-1", REFUSED);
      replicas.awaitLine("p", "acme-2", REFUSED);
      Await.until( // a try between two refusals lifts the quarantine
          "the reason",
          () -> "spend_limit".equals(redis.text("HGET", "relay:{p}:quarantine", "acme-1")));
      raised.set(true);
      replicas.awaitLine("p", "acme-1", "status active");
      replicas.awaitLine("p", "acme-2", "status active");
      Await.until(
          "the account serves",
          () ->
              !"other"
                  .equals(
                      RawClient.ask(replicas.port(0), Ask.of(dialect, "p")).header("x-relay-key")));
    }
  }

  @ParameterizedTest
  @EnumSource(names = "OPENAI")
  void a_key_quarantined_by_an_operator_is_not_probed(Dialect dialect) throws Exception {
    try (RawProvider provider =
            new RawProvider((request, connection) -> connection.write(Says.fine(dialect)));
        Replicas replicas =
            new Setup()
                .jvm("-Drelay.timings=probe=1")
                .provider("p", dialect, provider.url(), Setup.key("held"), Setup.key("spent"))
                .start(1);
        RedisSocket redis = replicas.redisSocket()) {
      assertEquals(200, operate(replicas, dialect, "/pools/p/keys/held/quarantine"));
      assertEquals(200, operate(replicas, dialect, "/pools/p/keys/spent/quarantine"));
      replicas.awaitLine("p", "spent", REFUSED);
      // simulates the end of the billing month
      redis.text(
          "HSET",
          "relay:{p}:quarantine",
          "spent",
          "spend limit reached until 2026-01-01T00:00:00Z");
      redis.text("FUNCTION", "FLUSH"); // surveys read only what scripts changed; now all
      replicas.awaitLine("p", "spent", "status active");
      replicas.awaitLine("p", "held", REFUSED);
      assertEquals(0, provider.received().size());
    }
  }

  private static int operate(Replicas replicas, Dialect dialect, String path) throws Exception {
    Ask post = Ask.of(dialect, "").host("127.0.0.1").target(path);
    return RawClient.ask(replicas.get(0).adminPort(), post).status();
  }
}
