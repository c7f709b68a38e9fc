package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.guards.Await;
import relay.model.Dialect;

/** Accounts have further quotas beside their own: of the fast mode, and of service tiers. */
class OtherQuotaTest {
  /** The provider has no such capacity for one account, and for all else it has. */
  @ParameterizedTest
  @CsvSource({"ANTHROPIC, speed, fast", "OPENAI, service_tier, priority"})
  void a_429_of_another_quota_cools_only_that_quota(Dialect dialect, String member, String quota)
      throws Exception {
    String named = "\"" + member + "\":\"" + quota + "\"";
    String refusal =
        Says.json(429, Says.error(dialect, "rate_limit_error", "slow down"), "retry-after: 60");
    AtomicReference<String> empty = new AtomicReference<>("");
    try (RawProvider provider =
            new RawProvider(
                (request, connection) -> {
                  boolean isNamed = new String(request.body(), UTF_8).contains(named);
                  if (isNamed) {
                    empty.compareAndSet("", request.key());
                  }
                  boolean refused = isNamed && request.key().equals(empty.get());
                  connection.write(refused ? refusal : Says.fine(dialect));
                });
        Replicas replicas =
            new Setup()
                .provider("p", dialect, provider.url(), Setup.key("one"), Setup.key("two"))
                .start(2)) {
      for (int n = 0; n < 6; n++) { // the second replica learns it from Redis
        Ask other = Ask.of(dialect, "p").body(Ask.body("p", named + ","));
        Answer answer = RawClient.ask(replicas.port(n % 2), other);
        assertEquals(200, answer.status(), answer.toString());
        assertEquals(n == 0 ? "2" : "1", answer.header("x-relay-attempts"));
      }
      String key = empty.get().substring(Setup.secret("").length());
      replicas.awaitLine("p", key + "/default+" + quota, "cooldown_ms [1-9][0-9]*");
      replicas.awaitLine("p", key + "/default", "cooldown_ms 0");
      replicas.awaitLine("p", key, "status active");
      Await.until(
          "its own quota serves on",
          () ->
              key.equals(
                  RawClient.ask(replicas.port(0), Ask.of(dialect, "p")).header("x-relay-key")));
    }
  }
}
