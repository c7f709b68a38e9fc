package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.bedrock.EventStreamFrames;
import relay.config.ServiceAccounts;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * A replica with simulated clouds: the requests that they receive, and the answers that clients
 * get.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CloudsTest {
  private static final String CLAUDE = "anthropic.claude-test-v1:0";
  private static final String BUSY = "anthropic.claude-busy-v1:0";

  private final CloudSimulator cloud = new CloudSimulator();
  private final Replicas replicas;

  CloudsTest(@TempDir Path directory) throws Exception {
    Path account =
        Files.writeString(
            directory.resolve("vertex.json"),
            ServiceAccounts.file(cloud.url() + "/google/token") + "\n");
    replicas = setup(account).start(1);
  }

  private Setup setup(Path account) {
    return new Setup()
        .logLevel("debug")
        .provider(
            """
            - name: azure
              type: azure
              base_url: %s
              models: [gpt-5, my-gpt]
              model_mapping: { gpt-5: my-gpt }
              keys: [{ key: azure-secret-1, id: azure-1 }]
            - name: entra
              type: azure
              base_url: %1$s
              login_url: %1$s
              models: [my-entra, my-revoked]
              keys: [{ key: entra-secret-1, id: entra-1, tenant_id: tenant-1, client_id: app-1 }]
            - name: refused
              type: azure
              base_url: %1$s
              login_url: %1$s
              models: [my-refused]
              keys:
                - { key: entra-secret-2, id: r-1, tenant_id: tenant-2, client_id: app-2, priority: 2 }
                - { key: azure-secret-2, id: r-2 }
            - name: down
              type: azure
              base_url: %1$s
              login_url: %1$s
              models: [my-down]
              keys:
                - { key: entra-secret-3, id: d-1, tenant_id: tenant-3, client_id: app-3, priority: 2 }
                - { key: azure-secret-3, id: d-2 }
            - name: bedrock
              type: bedrock
              base_url: %1$s
              region: %2$s
              models: [%3$s, claude-mapped, "anthropic.claude-slow-v1:0", %4$s]
              model_mapping: { claude-mapped: %3$s }
              keys:
                - { key: aws-secret-1, access_key_id: %5$s, id: b-1, priority: 2 }
                - { key: aws-secret-2, access_key_id: %5$sB, session_token: aws-token-secret, id: b-2 }
            - name: vertex
              type: vertex
              base_url: %1$s
              project: p-1
              region: us-east5
              models: ["claude-test@1"]
              keys: [{ key: "${file:%6$s}", id: v-1 }]
            """
                .formatted(
                    cloud.url(),
                    CloudSimulator.REGION,
                    CLAUDE,
                    BUSY,
                    CloudSimulator.ACCESS_KEY,
                    account));
  }

  @AfterEach
  void no_rule_was_broken() {
    assertEquals(List.of(), cloud.broken());
  }

  @AfterAll
  void close() throws Exception {
    String log = replicas.get(0).log();
    for (String secret : List.of("azure-secret", "entra-secret", "aws-secret", "token-secret")) {
      assertFalse(log.contains(secret), secret);
    }
    assertFalse(log.contains("PRIVATE KEY"));
    replicas.close();
    cloud.close();
  }

  private Answer ask(Ask ask) throws Exception {
    return RawClient.ask(replicas.port(0), ask);
  }

  @Test
  void azure_is_called_by_deployment_with_its_api_key() throws Exception {
    Answer answer = ask(Ask.of(Dialect.OPENAI, "gpt-5"));
    assertEquals(200, answer.status(), answer.toString());
    assertEquals(Says.answer(Dialect.OPENAI), answer.text());
    RawProvider.Received seen = cloud.received("/deployments/my-gpt/chat/completions").getFirst();
    assertEquals("azure-secret-1", seen.header("api-key"));
    replicas.awaitLine("azure", "azure-1/default", "rpm 1/- itpm 7/- otpm 3/-");
  }

  @Test
  void an_entra_token_is_fetched_once_and_sent_to_azure() throws Exception {
    cloud.on(
        "my-entra",
        (request, connection) -> {
          connection.write(Says.STREAM);
          for (String event : Says.events(Dialect.OPENAI)) {
            connection.chunk(event);
          }
          connection.chunk("");
        });
    for (int n = 0; n < 3; n++) {
      Answer answer = ask(Ask.stream(Dialect.OPENAI, "my-entra"));
      assertEquals(String.join("", Says.eventsWithoutUsage(Dialect.OPENAI)), answer.text());
      assertTrue(answer.whole());
    }
    long fetches =
        cloud.received("/tenant-1/").size()
            - cloud.received("/deployments/my-revoked/").stream()
                .map(request -> request.header("authorization"))
                .distinct()
                .count();
    assertTrue(fetches <= 1, "fetched for each request");
  }

  @Test
  void a_revoked_token_is_replaced_unnoticed_by_the_client() throws Exception {
    ask(Ask.of(Dialect.OPENAI, "my-entra")); // fetches a token
    cloud.on(
        "my-revoked",
        (request, connection) ->
            connection.write(
                cloud.received("/deployments/my-revoked/").size() == 1
                    ? Says.json(401, Says.error(Dialect.OPENAI, "401", "expired"))
                    : Says.fine(Dialect.OPENAI)));
    Answer answer = ask(Ask.of(Dialect.OPENAI, "my-revoked"));
    assertEquals(200, answer.status(), answer.toString());
    assertEquals("1", answer.header("x-relay-attempts"));
    List<RawProvider.Received> seen = cloud.received("/deployments/my-revoked/");
    assertEquals(2, seen.stream().map(r -> r.header("authorization")).distinct().count());
    replicas.awaitLine("entra", "entra-1", "status active");
  }

  @Test
  void a_key_without_a_token_is_quarantined_and_another_serves() throws Exception {
    cloud.on(
        "/tenant-2/oauth2/v2.0/token",
        (request, connection) ->
            connection.write(Says.json(401, "{\"error\":\"invalid_client\"}")));
    Answer answer = ask(Ask.of(Dialect.OPENAI, "my-refused"));
    assertEquals(200, answer.status(), answer.toString());
    assertEquals("r-2", answer.header("x-relay-key"));
    assertEquals("2", answer.header("x-relay-attempts"));
    replicas.awaitLine("refused", "r-1", "status quarantined");
    Await.until("it is logged", () -> replicas.get(0).log().contains("401 invalid_client"));
  }

  @Test
  void a_failing_token_endpoint_does_not_quarantine_the_key() throws Exception {
    cloud.on(
        "/tenant-3/oauth2/v2.0/token",
        (request, connection) -> connection.write(Says.json(503, "{}")));
    Answer answer = ask(Ask.of(Dialect.OPENAI, "my-down"));
    assertEquals(200, answer.status(), answer.toString());
    assertEquals("d-2", answer.header("x-relay-key"));
    replicas.awaitLine("down", "d-1", "status active");
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

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void vertex_is_called_with_a_token_of_the_service_account(boolean stream) throws Exception {
    Ask ask =
        stream
            ? Ask.stream(Dialect.ANTHROPIC, "claude-test@1")
            : Ask.of(Dialect.ANTHROPIC, "claude-test@1");
    Answer answer = ask(ask.header("anthropic-beta: one-2025-01-01"));
    assertEquals(200, answer.status(), answer.toString());
    assertEquals(
        stream ? String.join("", Says.events(Dialect.ANTHROPIC)) : Says.answer(Dialect.ANTHROPIC),
        answer.text());
    RawProvider.Received seen = cloud.received("/publishers/anthropic/").getLast();
    assertEquals("one-2025-01-01", seen.header("anthropic-beta"));
    assertEquals(1, cloud.received("/google/token").size());
  }

  @Test
  void vertex_errors_have_the_dialects_format() throws Exception {
    cloud.on(
        "claude-test@1",
        (request, connection) ->
            connection.write(
                Says.json(
                    404, "[{\"error\":{\"code\":404,\"message\":\"no\",\"status\":\"N\"}}]")));
    try {
      Answer answer = ask(Ask.of(Dialect.ANTHROPIC, "claude-test@1"));
      assertEquals(404, answer.status(), answer.toString());
      assertEquals(Says.error(Dialect.ANTHROPIC, "not_found_error", "no"), answer.text());
    } finally {
      cloud.off("claude-test@1");
    }
  }
}
