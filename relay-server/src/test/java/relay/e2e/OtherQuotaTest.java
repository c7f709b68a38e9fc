package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import relay.guards.Await;
import relay.model.Dialect;

/** Accounts have further quotas beside their own: of the fast mode, and of service tiers. */
@Tag("slow")
class OtherQuotaTest {
  private static final List<String> MEMBERS =
      Stream.concat(
              Stream.of("", "\"speed\":\"fast\","),
              Stream.of("priority", "fast", "ultrafast", "flex", "scale", "batch", "auto", "x1")
                  .map(tier -> "\"service_tier\":\"" + tier + "\","))
          .toList();

  /** The provider has no such capacity for one account, and for all else it has. */
  @ParameterizedTest
  @CsvSource({
    "ANTHROPIC, speed, fast",
    "OPENAI, service_tier, priority",
    "OPENAI, service_tier, fast",
    "OPENAI, service_tier, ultrafast"
  })
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

  /** Groq's own status for its flex tier, which says no time. */
  @Test
  void status_498_refuses_a_tier_at_an_account_and_nothing_else() throws Exception {
    String flex = "\"service_tier\":\"flex\"";
    String refusal =
        Says.json(
            498, "{\"error\":{\"message\":\"over capacity\",\"code\":\"capacity_exceeded\"}}");
    try (RawProvider provider =
            new RawProvider(
                (request, connection) -> {
                  boolean refused =
                      request.text().contains(flex) && request.key().equals(Setup.secret("one"));
                  connection.write(refused ? refusal : Says.fine(Dialect.OPENAI));
                });
        Replicas replicas =
            new Setup()
                .provider(
                    "p",
                    Dialect.OPENAI,
                    provider.url(),
                    Setup.key("one", "priority: 2"),
                    Setup.key("two"))
                .start(1)) {
      Ask named = Ask.of(Dialect.OPENAI, "p").body(Ask.body("p", flex + ","));
      Answer first = RawClient.ask(replicas.port(0), named);
      assertEquals(200, first.status(), first.toString());
      assertEquals("2", first.header("x-relay-attempts"));
      replicas.awaitLine("p", "one/default+flex", "cooldown_ms [1-9][0-9]*");
      replicas.awaitLine("p", "one/default", "cooldown_ms 0");
      Answer plain = RawClient.ask(replicas.port(0), Ask.of(Dialect.OPENAI, "p"));
      assertEquals("one", plain.header("x-relay-key"));
      assertEquals("1", plain.header("x-relay-attempts"));
    }
  }

  /** Where a tier has no room anywhere, its requests are told the time, and others are served. */
  @Test
  void a_tier_named_by_a_header_is_refused_alone() throws Exception {
    String header = "x-vertex-ai-llm-shared-request-type: flex";
    String error = Says.error(Dialect.OPENAI, "rate_limit_error", "no capacity");
    String refusal = Says.json(429, error, "retry-after: 20");
    try (RawProvider provider =
            new RawProvider(
                (request, connection) ->
                    connection.write(
                        request.headers().contains(header) ? refusal : Says.fine(Dialect.OPENAI)));
        Replicas replicas =
            new Setup()
                .provider("p", Dialect.OPENAI, provider.url(), Setup.key("one"), Setup.key("two"))
                .start(1)) {
      Ask named = Ask.of(Dialect.OPENAI, "p").header(header);
      Answer refused = RawClient.ask(replicas.port(0), named);
      assertEquals(429, refused.status(), refused.toString());
      replicas.awaitLine("p", "one/default+flex", "cooldown_ms [1-9][0-9]*");
      replicas.awaitLine("p", "two/default+flex", "cooldown_ms [1-9][0-9]*");
      int asked = provider.received().size();
      assertEquals(429, RawClient.ask(replicas.port(0), named).status());
      assertEquals(asked, provider.received().size());
      for (int n = 0; n < 4; n++) {
        Answer plain = RawClient.ask(replicas.port(0), Ask.of(Dialect.OPENAI, "p"));
        assertEquals(200, plain.status(), plain.toString());
      }
    }
  }

  /**
   * The provider counts all tiers together: half of 60 may be used at once. Every name, known and
   * invented, in each dialect.
   */
  @ParameterizedTest
  @EnumSource(Dialect.class)
  void all_tiers_at_once_get_one_limit(Dialect dialect) throws Exception {
    try (RawProvider provider = RawProvider.fine(dialect);
        Replicas replicas =
            new Setup()
                .provider("p", dialect, provider.url(), Setup.key("one", "rpm_limit: 60"))
                .start(2)) {
      int served = 0;
      for (int n = 0; n < 40; n++) {
        for (String member : MEMBERS) {
          Ask ask = Ask.of(dialect, "p").body(Ask.body("p", member));
          served += RawClient.ask(replicas.port(n % 2), ask).status() == 200 ? 1 : 0;
        }
      }
      assertTrue(served <= 60, "served " + served);
      assertTrue(provider.received().size() <= 60, "sent " + provider.received().size());
    }
  }
}
