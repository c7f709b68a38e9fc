package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.model.Dialect;

/** Providers that count and speak as their documentation says, behind three replicas. */
@Tag("slow")
class ApiRulesTest {

  /**
   * "Rate limits are applied separately for each model", and "Claude Opus 4.x (Opus 4.8, 4.7, 4.6,
   * 4.5 combined)": "Rate limits", platform.claude.com, as of October 17, 2026.
   */
  @Test
  void what_one_models_answers_state_never_binds_another_line() throws Exception {
    try (RawProvider provider =
            new RawProvider(
                (request, connection) -> {
                  String limit =
                      request.isFor("claude-sonnet-5-5")
                          ? "3"
                          : request.isFor("claude-next-1") ? "5" : "4000";
                  connection.write(
                      Says.json(
                          200,
                          Says.answer(Dialect.ANTHROPIC),
                          "anthropic-ratelimit-requests-limit: " + limit));
                });
        Replicas replicas =
            new Setup()
                .provider(
                    "p",
                    Dialect.ANTHROPIC,
                    provider.url(),
                    List.of("api: anthropic", Setup.ANY_MODEL),
                    List.of(Setup.key("a")))
                .start(3)) {
      assertEquals(200, status(replicas, 0, "claude-sonnet-5-5"));
      assertEquals(200, status(replicas, 1, "claude-next-1"));
      assertEquals(200, status(replicas, 2, "claude-opus-4-8"));
      assertEquals(200, status(replicas, 0, "claude-opus-4-6-20260201"));
      replicas.awaitLine("p", "a/sonnet-5.5", "rpm 1/3 .*");
      replicas.awaitLine("p", "a/default+claude-next-1", "rpm 1/5 .*");
      replicas.awaitLine("p", "a/opus-4", "rpm 2/4000 .*");
      replicas.awaitLine("p", "a/default", "rpm 0/- .*");
      for (int n = 0; n < 9; n++) {
        assertEquals(200, status(replicas, n % 3, "claude-opus-4-8"));
      }
      Await.until(
          "three a minute, and one was used",
          () -> status(replicas, 2, "claude-sonnet-5-5") == 429);
    }
  }

  /**
   * "x-ratelimit-limit-requests: Always refers to Requests Per Day (RPD)": "Rate Limits",
   * console.groq.com/docs/rate-limits, read November 27, 2026.
   */
  @Test
  void a_limit_of_requests_a_day_is_not_learned_as_one_a_minute() throws Exception {
    try (RawProvider provider =
            new RawProvider(
                (request, connection) ->
                    connection.write(
                        Says.json(
                            200,
                            Says.answer(Dialect.OPENAI),
                            "x-ratelimit-limit-requests: 2",
                            "x-ratelimit-limit-tokens: 18000")));
        Replicas replicas =
            new Setup()
                .provider(
                    "p",
                    Dialect.OPENAI,
                    provider.url() + "/openai",
                    List.of("api: groq", "models: [llama]"),
                    List.of(Setup.key("a")))
                .start(3)) {
      for (int n = 0; n < 6; n++) {
        assertEquals(
            200, RawClient.ask(replicas.port(n % 3), Ask.of(Dialect.OPENAI, "llama")).status());
      }
      replicas.awaitLine("p", "a/llama", "rpm 6/-");
      try (RedisSocket redis = replicas.redisSocket()) {
        Await.until(
            "the tokens a minute are learned",
            () ->
                redis
                    .hash("relay:{p}:learned")
                    .getOrDefault("a/llama", "")
                    .equals("rpm - itpm - otpm - tpm 18000"));
      }
      assertTrue(
          provider.received().getFirst().line().startsWith("POST /openai/v1/chat/completions "));
    }
  }

  /**
   * ".../v1beta/openai/" is the base URL of Gemini's endpoint, with no /v1 after it
   * (ai.google.dev/gemini-api/docs/openai). Foundry takes "the api-key or x-api-key header"
   * ("Claude in Microsoft Foundry", platform.claude.com, read November 27, 2026).
   */
  @Test
  void paths_and_key_headers_are_the_apis() throws Exception {
    try (RawProvider provider =
            new RawProvider(
                (request, connection) ->
                    connection.write(
                        Says.fine(
                            request.line().contains("messages")
                                ? Dialect.ANTHROPIC
                                : Dialect.OPENAI)));
        Replicas replicas =
            new Setup()
                .provider(
                    "gemini",
                    Dialect.OPENAI,
                    provider.url() + "/v1beta/openai",
                    List.of("api: gemini"),
                    List.of(Setup.key("g")))
                .provider(
                    "foundry",
                    Dialect.ANTHROPIC,
                    provider.url() + "/anthropic",
                    List.of("api: anthropic-foundry"),
                    List.of(Setup.key("f")))
                .start(1)) {
      assertEquals(200, RawClient.ask(replicas.port(0), Ask.of(Dialect.OPENAI, "gemini")).status());
      assertEquals(
          200, RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, "foundry")).status());
      RawProvider.Received gemini = provider.received().getFirst();
      assertTrue(gemini.line().startsWith("POST /v1beta/openai/chat/completions "), gemini.line());
      RawProvider.Received foundry = provider.received().getLast();
      assertTrue(foundry.line().startsWith("POST /anthropic/v1/messages "), foundry.line());
      List<String> keys =
          foundry.headers().stream().filter(h -> h.contains(Setup.secret("f"))).toList();
      assertEquals(List.of("api-key: " + Setup.secret("f")), keys);
    }
  }

  private static int status(Replicas replicas, int replica, String model) throws Exception {
    return RawClient.ask(replicas.port(replica), Ask.of(Dialect.ANTHROPIC, model)).status();
  }
}
