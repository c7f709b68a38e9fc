package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.bedrock.EventStreamFrames;
import relay.guards.Await;
import relay.model.Dialect;

/** A replica with a simulated Bedrock: signed requests, streams of frames, refusals and errors. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BedrockTest {
  private static final String CLAUDE = "anthropic.claude-test-v1:0";
  private static final String BUSY = "anthropic.claude-busy-v1:0";

  private final CloudSimulator cloud = new CloudSimulator();
  private final Replicas replicas =
      new Setup()
          .logLevel("debug")
          .provider(
              """
              - name: bedrock
                type: bedrock
                base_url: %s
                region: %s
                models: [%3$s, claude-mapped, "anthropic.claude-slow-v1:0", %4$s]
                model_mapping: { claude-mapped: %3$s }
                keys:
                  - { key: aws-secret-1, access_key_id: %5$s, id: b-1, priority: 2 }
                  - { key: aws-secret-2, access_key_id: %5$sB, session_token: aws-token-secret, id: b-2 }
              """
                  .formatted(
                      cloud.url(), CloudSimulator.REGION, CLAUDE, BUSY, CloudSimulator.ACCESS_KEY))
          .start(1);

  BedrockTest() throws Exception {}

  @AfterEach
  void no_rule_was_broken() {
    assertEquals(List.of(), cloud.broken());
  }

  @AfterAll
  void close() throws Exception {
    String log = replicas.get(0).log();
    for (String secret : List.of("aws-secret", "token-secret")) {
      assertFalse(log.contains(secret), secret);
    }
    replicas.close();
    cloud.close();
  }

  private Answer ask(Ask ask) throws Exception {
    return RawClient.ask(replicas.port(0), ask);
  }

  @Test
  void bedrock_requests_are_signed_and_answers_pass_unchanged() throws Exception {
    Answer answer =
        ask(
            Ask.of(Dialect.ANTHROPIC, "claude-mapped")
                .target("/v1/messages?beta=true")
                .header("anthropic-beta: one-2025-01-01, two-2025-02-02")
                .header("x-amz-date: 19990101T000000Z"));
    assertEquals(200, answer.status(), answer.toString());
    assertEquals(Says.answer(Dialect.ANTHROPIC), answer.text());
    RawProvider.Received seen =
        cloud.received("/invoke ").stream()
            .filter(request -> request.text().contains("two-2025"))
            .findFirst()
            .orElseThrow();
    assertEquals("/model/anthropic.claude-test-v1%3A0/invoke", CloudSimulator.path(seen));
    JsonNode body = new ObjectMapper().readTree(seen.body());
    assertEquals(
        new ObjectMapper().readTree("[\"one-2025-01-01\",\"two-2025-02-02\"]"),
        body.path("anthropic_beta"));
    assertNull(seen.header("anthropic-beta"));
  }

  @Test
  void a_bedrock_stream_equals_that_of_anthropics_api() throws Exception {
    Answer answer = ask(Ask.stream(Dialect.ANTHROPIC, CLAUDE));
    assertEquals("text/event-stream", answer.header("content-type"));
    assertEquals(String.join("", Says.events(Dialect.ANTHROPIC)), answer.text());
    assertTrue(answer.whole());
  }

  @Test
  void an_event_of_bedrock_is_seen_before_the_next_one_is_sent() throws Exception {
    List<String> events = Says.events(Dialect.ANTHROPIC);
    Semaphore seenByClient = new Semaphore(0);
    cloud.on(
        "anthropic.claude-slow-v1:0",
        (request, connection) -> {
          connection.write(CloudSimulator.frameHead());
          for (String event : events) {
            connection.chunk(EventStreamFrames.chunk(CloudSimulator.data(event)));
            if (!seenByClient.tryAcquire(20, TimeUnit.SECONDS)) {
              connection.reset(); // the event was held back: fail the test
            }
          }
          connection.chunk("");
        });
    try (RawClient wire = new RawClient(replicas.port(0))) {
      wire.send(Ask.stream(Dialect.ANTHROPIC, "anthropic.claude-slow-v1:0")).head();
      for (String event : events) {
        assertEquals(event, wire.readTo("\n\n"));
        seenByClient.release();
      }
      assertTrue(wire.rest().whole());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void a_throttled_bedrock_key_gives_way_to_the_next(boolean stream) throws Exception {
    cloud.on(
        BUSY,
        (request, connection) ->
            connection.write(
                Says.json(
                    429,
                    "{\"message\":\"Too many tokens, please wait before trying again.\"}",
                    "x-amzn-errortype: ThrottlingException")));
    Ask ask = stream ? Ask.stream(Dialect.ANTHROPIC, BUSY) : Ask.of(Dialect.ANTHROPIC, BUSY);
    Errors.relays(ask(ask), Dialect.ANTHROPIC, 429, "rate_limit_error");
    assertTrue(
        cloud.received("claude-busy").stream()
            .anyMatch(r -> "aws-token-secret".equals(r.header("x-amz-security-token"))));
    try (RedisSocket redis = replicas.redisSocket()) {
      assertFalse(redis.hash("relay:{bedrock}:keys").toString().contains("secret"));
    }
    cloud.off(BUSY);
    Await.until(
        "the keys may be used again", () -> ask(Ask.of(Dialect.ANTHROPIC, BUSY)).status() == 200);
  }

  @Test
  void a_bedrock_error_has_the_dialects_format() throws Exception {
    cloud.on(
        BUSY,
        (request, connection) ->
            connection.write(Says.json(400, "{\"message\":\"max_tokens: required\"}")));
    awaitUsable();
    Answer answer = ask(Ask.of(Dialect.ANTHROPIC, BUSY));
    assertEquals(400, answer.status(), answer.toString());
    assertEquals("upstream", answer.header("x-relay-error-origin"));
    assertEquals(
        Says.error(Dialect.ANTHROPIC, "invalid_request_error", "max_tokens: required"),
        answer.text());
  }

  private void awaitUsable() throws Exception {
    Await.until("usable", () -> ask(Ask.stream(Dialect.ANTHROPIC, BUSY)).status() != 429);
  }

  @Test
  void an_exception_in_a_bedrock_stream_is_the_clients_error_event() throws Exception {
    List<String> events = Says.events(Dialect.ANTHROPIC);
    cloud.on(
        BUSY,
        (request, connection) -> {
          connection.write(CloudSimulator.frameHead());
          connection.chunk(EventStreamFrames.chunk(CloudSimulator.data(events.getFirst())));
          connection.chunk(EventStreamFrames.exception("throttlingException", "slow down"));
          connection.chunk("");
        });
    awaitUsable();
    Answer answer = ask(Ask.stream(Dialect.ANTHROPIC, BUSY));
    assertEquals(
        events.getFirst()
            + "event: error\ndata: "
            + Says.error(Dialect.ANTHROPIC, "rate_limit_error", "slow down")
            + "\n\n",
        answer.text());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void a_bedrock_stream_that_breaks_within_a_frame_ends_with_an_error(boolean damaged)
      throws Exception {
    List<String> events = Says.events(Dialect.ANTHROPIC);
    cloud.on(
        BUSY,
        (request, connection) -> {
          byte[] good = EventStreamFrames.chunk(CloudSimulator.data(events.getFirst()));
          byte[] bad = EventStreamFrames.chunk(CloudSimulator.data(events.get(1)));
          bad[bad.length - 1] ^= 1;
          int badLength = damaged ? bad.length : bad.length / 2;
          byte[] both = Arrays.copyOf(good, good.length + badLength);
          System.arraycopy(bad, 0, both, good.length, badLength);
          connection.write(CloudSimulator.frameHead());
          connection.chunk(both);
          connection.chunk("");
        });
    awaitUsable();
    Answer answer = ask(Ask.stream(Dialect.ANTHROPIC, BUSY));
    assertTrue(answer.text().startsWith(events.getFirst() + "event: error\n"), answer.text());
    assertFalse(answer.whole(), "it must not look complete");
  }
}
