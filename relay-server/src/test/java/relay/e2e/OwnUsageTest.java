package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.guards.Await;
import relay.model.Dialect;

/** What a client sees of itself: its own limits on every answer, and its usage. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OwnUsageTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String KEYS_REQUESTS = "anthropic-ratelimit-requests-limit: 500";
  private static final String KEYS_TOKENS = "anthropic-ratelimit-tokens-limit: 5500000";

  private final RawProvider provider =
      new RawProvider(
          (request, connection) -> {
            if (request.text().contains("\"stream\":true")) {
              connection.write(Says.STREAM);
              for (String event : Says.events(Dialect.ANTHROPIC)) {
                connection.chunk(event);
              }
              connection.chunk("");
            } else {
              connection.write(
                  Says.json(200, Says.answer(Dialect.ANTHROPIC), KEYS_REQUESTS, KEYS_TOKENS));
            }
          });
  private final Replicas replicas =
      new Setup()
          .client("four", "rpm_limit: 4, itpm_limit: 100000")
          .client("tokens", "tpm_limit: 1000")
          .client("free")
          .provider("p", Dialect.ANTHROPIC, provider.url(), Setup.key("p-1"))
          .provider("o", Dialect.OPENAI, provider.url(), Setup.key("o-1"))
          .start(2);

  OwnUsageTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private static Ask ask(String client) {
    return Ask.of(Dialect.ANTHROPIC, "p").from(client);
  }

  private JsonNode usage(int replica, String client) throws Exception {
    Answer answer =
        RawClient.ask(replicas.port(replica), ask(client).method("GET").target("/v1/relay/usage"));
    assertEquals(200, answer.status(), answer.toString());
    return JSON.readTree(answer.text());
  }

  @Test
  void an_answer_tells_the_clients_own_limits_and_never_the_keys() throws Exception {
    Answer first = RawClient.ask(replicas.port(0), ask("four"));
    assertEquals(200, first.status());
    assertEquals("4", first.header("anthropic-ratelimit-requests-limit"));
    assertEquals("1", first.header("anthropic-ratelimit-requests-remaining"));
    Instant reset = Instant.parse(first.header("anthropic-ratelimit-requests-reset"));
    assertTrue(reset.isAfter(Instant.now().plusSeconds(20)), reset.toString());
    assertEquals("100000", first.header("anthropic-ratelimit-input-tokens-limit"));
    assertNull(first.header("anthropic-ratelimit-tokens-limit"), "it has none of its own");

    Answer stream =
        RawClient.ask(replicas.port(1), Ask.stream(Dialect.ANTHROPIC, "p").from("four"));
    assertEquals(200, stream.status(), stream.toString());
    assertEquals("0", stream.header("anthropic-ratelimit-requests-remaining"));
    assertTrue(stream.whole(), stream.toString());

    Answer refused = RawClient.ask(replicas.port(0), ask("four"));
    assertEquals(429, refused.status());
    assertEquals("0", refused.header("anthropic-ratelimit-requests-remaining"));
    assertEquals("4", refused.header("anthropic-ratelimit-requests-limit"));

    // answers that reserve nothing tell what was said last
    Answer wrong = RawClient.ask(replicas.port(0), ask("four").body("{"));
    assertEquals(400, wrong.status());
    assertEquals("0", wrong.header("anthropic-ratelimit-requests-remaining"));

    JsonNode usage = usage(1, "four");
    assertEquals("four", usage.get("name").asText());
    assertEquals(4, usage.get("limits").get("rpm").asLong());
    assertTrue(usage.get("limits").get("otpm").isNull());
    assertEquals(2, usage.get("used").get("rpm").asLong());
    assertEquals(2L * Says.INPUT, usage.get("used").get("itpm").asLong());
    assertEquals(0, usage.get("in_flight").asLong());
  }

  @Test
  void the_headers_are_those_of_the_dialect() throws Exception {
    Answer answer = RawClient.ask(replicas.port(0), Ask.of(Dialect.OPENAI, "o").from("tokens"));
    assertEquals("1000", answer.header("x-ratelimit-limit-tokens"), answer.toString());
    assertNull(answer.header("x-ratelimit-limit-requests"));
    assertNull(answer.header("anthropic-ratelimit-tokens-limit"));
    Answer models =
        RawClient.ask(
            replicas.port(0),
            Ask.of(Dialect.OPENAI, "o").from("tokens").method("GET").target("/v1/models"));
    assertEquals(200, models.status());
    assertEquals("1000", models.header("x-ratelimit-limit-tokens"));
  }

  @Test
  void a_client_without_limits_sees_its_use_and_no_headers() throws Exception {
    Answer answer = RawClient.ask(replicas.port(0), ask("free"));
    assertEquals(200, answer.status());
    assertEquals(
        List.of(), answer.headers().stream().filter(line -> line.contains("ratelimit")).toList());
    Await.until(
        "its use is seen at the other replica",
        () -> usage(1, "free").get("used").get("rpm").asLong() == 1);
    assertTrue(usage(0, "free").get("limits").isNull());
  }

  @Test
  void a_client_that_is_alone_has_the_whole() throws Exception {
    try (Replicas own =
        new Setup().provider("p", Dialect.ANTHROPIC, provider.url(), Setup.key("p-1")).start(1)) {
      Ask ask = Ask.of(Dialect.ANTHROPIC, "p").method("GET").target("/v1/relay/usage");
      JsonNode usage = JSON.readTree(RawClient.ask(own.port(0), ask).text());
      assertEquals(1, usage.get("share").asDouble(), usage.toString());
      assertEquals("standard", usage.get("priority").asText(), usage.toString());
    }
  }

  @Test
  void nobody_without_a_credential_sees_any() throws Exception {
    Ask stranger =
        ask("free").credential("x-api-key: nobody").method("GET").target("/v1/relay/usage");
    assertEquals(401, RawClient.ask(replicas.port(0), stranger).status());
  }
}
