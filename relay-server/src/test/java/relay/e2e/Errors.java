package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Set;
import java.util.TreeSet;
import relay.model.Dialect;

/** Checks the format of errors, as the dialects' SDKs parse it. */
final class Errors {
  private Errors() {}

  /** Checks one of Relay's own errors; returns its message. */
  static String relays(Answer answer, Dialect dialect, int status, String type) throws IOException {
    String seen = answer.toString();
    assertEquals(status, answer.status(), seen);
    assertTrue(answer.whole(), seen);
    assertEquals("relay", answer.header("x-relay-error-origin"), seen);
    assertEquals("application/json", answer.header("content-type"), seen);
    String id = answer.header("x-relay-request-id");
    assertNotNull(id, seen);
    assertEquals(id, answer.header("request-id"), seen);
    assertEquals(id, answer.header("x-request-id"), seen);
    JsonNode json = answer.json();
    JsonNode error = json.get("error");
    switch (dialect) {
      case ANTHROPIC -> {
        assertEquals(Set.of("type", "error", "request_id"), names(json), seen);
        assertEquals("error", json.get("type").asText(), seen);
        assertEquals(id, json.get("request_id").asText(), seen);
        assertEquals(Set.of("type", "message"), names(error), seen);
      }
      case OPENAI -> {
        assertEquals(Set.of("error"), names(json), seen);
        assertEquals(Set.of("message", "type", "param", "code"), names(error), seen);
        String code =
            switch (status) {
              case 401 -> "invalid_api_key";
              case 429 -> type.equals("insufficient_quota") ? type : "rate_limit_exceeded";
              default -> "null";
            };
        assertEquals(code, error.get("code").asText(), seen);
      }
    }
    assertEquals(type, error.get("type").asText(), seen);
    String message = error.get("message").asText();
    assertFalse(message.isBlank(), seen);
    assertFalse(seen.contains("secret"), seen);
    return message;
  }

  /** The retry time of the answer. Both headers must agree. */
  static long retryAfterMs(Answer answer) {
    String exact = answer.header("retry-after-ms");
    String seconds = answer.header("retry-after");
    assertNotNull(exact, answer.toString());
    assertNotNull(seconds, answer.toString());
    long ms = Long.parseLong(exact);
    assertEquals(Math.ceilDiv(ms, 1000L), Long.parseLong(seconds), answer.toString());
    return ms;
  }

  private static Set<String> names(JsonNode object) {
    Set<String> names = new TreeSet<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }
}
