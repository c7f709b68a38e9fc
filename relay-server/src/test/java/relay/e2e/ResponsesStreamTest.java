package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.e2e.RawProvider.Connection;
import relay.model.Dialect;
import relay.model.Endpoint;

/** Streams of the Responses API: their ends, and the reservations for output bounds. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ResponsesStreamTest {
  private static final String CREATED =
      "event: response.created\n"
          + "data: {\"type\":\"response.created\",\"response\":{\"usage\":null}}\n\n";
  private static final String DELTA =
      "event: response.output_text.delta\n"
          + "data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n";

  private final RawProvider provider = new RawProvider((request, connection) -> {});
  private final Replicas replicas =
      new Setup()
          .provider("completed", Dialect.OPENAI, provider.url(), Setup.key("c"))
          .provider("failed", Dialect.OPENAI, provider.url(), Setup.key("f"))
          .provider("incomplete", Dialect.OPENAI, provider.url(), Setup.key("i"))
          .provider("broken", Dialect.OPENAI, provider.url(), Setup.key("b"))
          .provider("small", Dialect.OPENAI, provider.url(), Setup.key("s", "otpm_limit: 100"))
          .start(1);

  ResponsesStreamTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private static Ask ask(Endpoint endpoint, String model, String members) {
    return Ask.of(Dialect.OPENAI, "").target(endpoint.path()).body(Ask.body(model, members));
  }

  private Answer stream(String model, RawProvider.Script script) throws Exception {
    provider.script(script);
    return RawClient.ask(replicas.port(0), ask(Endpoint.RESPONSES, model, "\"stream\":true,"));
  }

  private static void begin(Connection connection) throws Exception {
    connection.write(Says.STREAM);
    connection.chunk(CREATED);
    connection.chunk(DELTA);
  }

  @ParameterizedTest
  @ValueSource(strings = {"completed", "failed", "incomplete"})
  void a_stream_with_a_last_event_is_complete_and_charged_by_its_usage(String end)
      throws Exception {
    String last =
        ("event: response.%s\ndata: {\"type\":\"response.%s\",\"response\":{\"status\":\"%s\","
                + "\"usage\":{\"input_tokens\":40,\"input_tokens_details\":{\"cached_tokens\":30},"
                + "\"output_tokens\":5}}}\n\n")
            .formatted(end, end, end);
    Answer answer =
        stream(
            end,
            (request, connection) -> {
              begin(connection);
              connection.chunk(last);
              connection.chunk("");
            });
    assertTrue(answer.whole(), answer.toString());
    assertEquals(CREATED + DELTA + last, answer.text());
    // openai includes cached tokens
    replicas.awaitLine(end, end.charAt(0) + "/default", "rpm 1/- itpm 40/- otpm 5/- inflight 0");
  }

  @Test
  void a_stream_without_its_last_event_ends_with_an_error_event_of_its_format() throws Exception {
    List<RawProvider.Script> breaks =
        List.of(
            (request, connection) -> {
              begin(connection);
              connection.chunk(""); // the HTTP body ends correctly
            },
            (request, connection) -> {
              begin(connection);
              connection.chunk("event: response.output_text.delta\ndata: {\"ty");
              connection.reset();
            });
    for (RawProvider.Script how : breaks) {
      Answer answer = stream("broken", how);
      assertFalse(answer.whole(), answer.toString());
      assertTrue(answer.text().startsWith(CREATED + DELTA), answer.text());
      String[] events = answer.text().split("\n\n", -1);
      String last = events[events.length - 2];
      assertTrue(last.startsWith("event: error\ndata: {"), answer.text());
      JsonNode data = new ObjectMapper().readTree(last.substring(last.indexOf('{')));
      assertEquals("error", data.get("type").asText());
      assertEquals("api_error", data.get("error").get("type").asText());
    }
  }

  @Test
  void output_bounds_of_any_name_are_reserved() throws Exception {
    provider.script((request, connection) -> connection.write(Says.fine(Dialect.OPENAI)));
    for (Endpoint endpoint : List.of(Endpoint.CHAT_COMPLETIONS, Endpoint.RESPONSES)) {
      for (String name : List.of("max_tokens", "max_completion_tokens", "max_output_tokens")) {
        Answer answer =
            RawClient.ask(replicas.port(0), ask(endpoint, "small", "\"" + name + "\":201,"));
        String message = Errors.relays(answer, Dialect.OPENAI, 400, "invalid_request_error");
        assertTrue(message.contains("otpm"), message);
      }
    }
    Ask embeddings = ask(Endpoint.EMBEDDINGS, "small", "\"max_tokens\":201,");
    assertEquals(200, RawClient.ask(replicas.port(0), embeddings).status());
  }
}
