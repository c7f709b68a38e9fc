package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.config.ServiceAccounts;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * A replica with simulated Azure and Vertex: the requests that they receive, and the answers that
 * clients get.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CloudsTest {
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
            - name: vertex
              type: vertex
              base_url: %1$s
              project: p-1
              region: us-east5
              models: ["claude-test@1"]
              keys: [{ key: "${file:%2$s}", id: v-1 }]
            """
                .formatted(cloud.url(), account));
  }

  @AfterEach
  void no_rule_was_broken() {
    assertEquals(List.of(), cloud.broken());
  }

  @AfterAll
  void close() throws Exception {
    String log = replicas.get(0).log();
    for (String secret : List.of("azure-secret", "entra-secret")) {
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
