package relay.stream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import org.junit.jupiter.api.Test;
import relay.model.Dialect;

class ErrorEventsTest {

  @Test
  void events_have_the_dialects_format() {
    assertEquals(
        "event: error\n"
            + "data:"
            + " {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"gone\"}}\n\n",
        new String(ErrorEvents.of(Dialect.ANTHROPIC, "api_error", "gone"), UTF_8));
    assertEquals(
        "data:"
            + " {\"error\":{\"message\":\"gone\",\"type\":\"api_error\",\"param\":null,\"code\":null}}\n\n",
        new String(ErrorEvents.of(Dialect.OPENAI, "api_error", "gone"), UTF_8));
  }

  @Test
  void responses_events_have_a_type_and_both_error_forms() throws Exception {
    String event = new String(ErrorEvents.ofResponses("api_error", "a\"%s\n"), UTF_8);
    assertTrue(event.startsWith("event: error\ndata: {") && event.endsWith("}\n\n"), event);
    JsonNode data = new JsonMapper().readTree(event.substring(event.indexOf('{')));
    assertEquals("error", data.get("type").textValue());
    assertEquals("api_error", data.get("code").textValue());
    assertEquals("a\"%s\n", data.get("message").textValue());
    assertEquals("api_error", data.get("error").get("type").textValue());
    assertEquals("a\"%s\n", data.get("error").get("message").textValue());
    byte[] start = "event: response.created\ndata: {}\n\n".getBytes(UTF_8);
    assertTrue(Streams.scan(Dialect.OPENAI, start, event.getBytes(UTF_8)).error());
  }

  @Test
  void a_message_cannot_break_out_of_its_event() throws Exception {
    String message = "a\"b\\c\n\ndata: x\r\u0000é😀\ud800";
    for (Dialect dialect : Dialect.values()) {
      String event = new String(ErrorEvents.of(dialect, "t\n", message), UTF_8);
      String data = event.substring(event.indexOf("data: ") + 6, event.length() - 2);
      assertEquals(-1, data.indexOf('\n'));
      JsonNode error = new JsonMapper().readTree(data).get("error");
      assertEquals(message.replace('\ud800', '?'), error.get("message").textValue());
      assertEquals("t\n", error.get("type").textValue());
    }
  }

  @Test
  void the_scanner_detects_it_after_any_complete_event() {
    for (Dialect dialect : Dialect.values()) {
      byte[] start = "data: {}\r\n\r\n".getBytes(UTF_8);
      assertTrue(Streams.scan(dialect, start, ErrorEvents.of(dialect, "api_error", "m")).error());
    }
  }
}
