package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.model.Dialect;

/** Relay's own answers: models, probes, unknown paths and methods. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ModelsTest {
  private static final String SOME = Setup.clientKey("some");
  private static final String OTHER_PROVIDER = Setup.clientKey("one");

  private final Replicas replicas =
      new Setup()
          .client("some", "models: [\"*-small\"]")
          .client("one", "providers: [second]")
          .provider(
              "first",
              Dialect.ANTHROPIC,
              Setup.nowhere(),
              List.of("models: [claude-big, claude-small]", "model_mapping: { nick: claude-big }"),
              List.of(Setup.key("a")))
          .provider(
              "second",
              Dialect.ANTHROPIC,
              Setup.nowhere(),
              List.of("models: [claude-big, claude-old]"),
              List.of(Setup.key("b")))
          .provider(
              "third",
              Dialect.OPENAI,
              Setup.nowhere(),
              List.of("models: [org/gpt-small, gpt-big]"),
              List.of(Setup.key("c")))
          .start(1);

  ModelsTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
  }

  private Answer get(Dialect dialect, String target, String clientKey) throws Exception {
    Ask ask = Ask.of(dialect, "").method("GET").target(target).contentType("");
    return RawClient.ask(replicas.port(0), ask.credential("authorization: Bearer " + clientKey));
  }

  private List<String> ids(Dialect dialect, String clientKey) throws Exception {
    Answer answer = get(dialect, "/v1/models", clientKey);
    assertEquals(200, answer.status(), answer.toString());
    List<String> ids = new ArrayList<>();
    answer.json().get("data").forEach(model -> ids.add(model.get("id").asText()));
    return ids;
  }

  @Test
  void anthropics_list_has_the_models_of_its_providers_once_each() throws Exception {
    JsonNode list = get(Dialect.ANTHROPIC, "/v1/models?limit=100", Ask.CLIENT_KEY).json();
    assertEquals(
        "{\"data\":["
            + model("claude-big")
            + ","
            + model("claude-small")
            + ","
            + model("nick")
            + ","
            + model("claude-old")
            + "],\"has_more\":false,\"first_id\":\"claude-big\",\"last_id\":\"claude-old\"}",
        list.toString());
    assertEquals(model("nick"), get(Dialect.ANTHROPIC, "/v1/models/nick", Ask.CLIENT_KEY).text());
  }

  private static String model(String id) {
    return "{\"type\":\"model\",\"id\":\"%s\",\"display_name\":\"%s\",\"created_at\":\"1970-01-01T00:00:00Z\"}"
        .formatted(id, id);
  }

  @Test
  void openais_list_has_the_models_of_its_providers() throws Exception {
    String small =
        "{\"id\":\"org/gpt-small\",\"object\":\"model\",\"created\":0,\"owned_by\":\"third\"}";
    Answer list = get(Dialect.OPENAI, "/v1/models", Ask.CLIENT_KEY);
    assertEquals(
        "{\"object\":\"list\",\"data\":[%s,%s]}"
            .formatted(small, small.replace("org/gpt-small", "gpt-big")),
        list.text());
    assertEquals("application/json", list.header("content-type"));
    for (String path : List.of("org/gpt-small", "org%2Fgpt-small", "org%2fgpt%2dsmall")) {
      assertEquals(small, get(Dialect.OPENAI, "/v1/models/" + path, Ask.CLIENT_KEY).text(), path);
    }
  }

  @Test
  void a_client_sees_only_permitted_models() throws Exception {
    assertEquals(List.of("claude-small"), ids(Dialect.ANTHROPIC, SOME));
    assertEquals(List.of("org/gpt-small"), ids(Dialect.OPENAI, SOME));
    assertEquals(List.of("claude-big", "claude-old"), ids(Dialect.ANTHROPIC, OTHER_PROVIDER));
    assertEquals(List.of(), ids(Dialect.OPENAI, OTHER_PROVIDER));
    Answer hidden = get(Dialect.ANTHROPIC, "/v1/models/claude-big", SOME);
    Errors.relays(hidden, Dialect.ANTHROPIC, 404, "not_found_error");
    assertEquals(200, get(Dialect.ANTHROPIC, "/v1/models/claude-small", SOME).status());
  }

  @ParameterizedTest
  @EnumSource
  void not_found_errors_have_the_clients_dialect(Dialect dialect) throws Exception {
    for (String path :
        List.of("/v1/models/none", "/v1/models/", "/v1/files", "/v1/x/../models", "/v2", "/a")) {
      Answer answer = get(dialect, path, Ask.CLIENT_KEY);
      Errors.relays(answer, dialect, 404, "not_found_error");
    }
    Answer stranger = get(dialect, "/v1/models", "wrong");
    Errors.relays(stranger, dialect, 401, "authentication_error");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/v1/models", "/v1/models/nick", "/"})
  void read_only_paths_allow_only_get_and_head(String path) throws Exception {
    Ask head = Ask.of(Dialect.ANTHROPIC, "").method("HEAD").target(path).contentType("");
    try (RawClient wire = new RawClient(replicas.port(0))) {
      assertEquals(200, wire.send(head).head().status());
      // no body: the next answer's head follows directly
      assertEquals(200, wire.send(head.method("GET")).answer().status());
      for (String method : List.of("POST", "DELETE", "PUT")) {
        Answer refused = wire.send(head.method(method)).answer();
        Errors.relays(refused, Dialect.ANTHROPIC, 405, "invalid_request_error");
        assertEquals("GET, HEAD", refused.header("allow"));
      }
      assertTrue(wire.send(head.method("GET")).answer().whole());
    }
  }
}
