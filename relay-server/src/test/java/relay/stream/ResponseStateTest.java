package relay.stream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.model.Dialect;

/** What answers tell of the response that they show. */
class ResponseStateTest {
  private static ResponseState scan(UsageScanner scanner, String text) {
    scanner.seekResponse();
    for (byte b : text.getBytes(UTF_8)) {
      scanner.feed(new byte[] {b}, 0, 1);
    }
    scanner.end();
    return scanner.response();
  }

  private static ResponseState json(String text) {
    return scan(UsageScanner.ofJson(Dialect.OPENAI), text);
  }

  private static ResponseState stream(String... events) {
    return scan(
        UsageScanner.ofStream(Dialect.OPENAI),
        "data: " + String.join("\n\ndata: ", events) + "\n\n");
  }

  @Test
  void a_null_takes_nothing_back() {
    UsageScanner scanner = UsageScanner.ofJson(Dialect.OPENAI);
    scanner.seekModel();
    String text =
        """
        {"id":"resp_1","status":"queued","model":"m","response":{"id":null,"status":null,"model":null}}
        """;
    assertEquals(new ResponseState("resp_1", "queued", ""), scan(scanner, text));
    assertEquals("m", scanner.model());
  }

  @Test
  void a_body_tells_of_itself_and_not_of_its_parts() {
    ResponseState state =
        json(
            """
            {"previous_response_id":"resp_0","status":"queued","background":true,"id":"resp_1",
             "output":[{"id":"rs_1","status":"completed","background":false}],"metadata":{"id":"x"}}
            """);
    assertEquals(new ResponseState("resp_1", "queued", "true"), state);
    assertTrue(state.runs());
    assertFalse(state.isOver());
    assertEquals(ResponseState.UNKNOWN, json("{\"id\":\"resp_1\",\"status\":\"queued\""));
    assertEquals(
        ResponseState.UNKNOWN, json("{\"id\":7,\"status\":[\"queued\"],\"background\":null}"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"completed", "failed", "cancelled", "incomplete", "expired"})
  void some_states_are_the_last(String status) {
    ResponseState state = json("{\"id\":\"resp_1\",\"status\":\"" + status + "\"}");
    assertTrue(state.isOver());
    assertFalse(state.runs());
  }

  @Test
  void a_stream_tells_at_its_first_and_its_last_event() {
    String created =
        "{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"status\":\"queued\",\"background\":true}}";
    String delta =
        "{\"type\":\"response.output_text.delta\",\"response\":{\"id\":\"other\"},\"delta\":\"status\"}";
    assertEquals(new ResponseState("resp_1", "queued", "true"), stream(created, delta));
    String failed =
        "{\"type\":\"response.failed\",\"response\":{\"id\":\"resp_1\",\"status\":\"failed\"}}";
    assertEquals(new ResponseState("resp_1", "failed", "true"), stream(created, delta, failed));
    String completed = "{\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\"}}";
    assertEquals("completed", stream(created, delta, completed).status(), "no status is told");
    assertEquals(new ResponseState("resp_1", "completed", ""), stream(delta, completed));
  }
}
