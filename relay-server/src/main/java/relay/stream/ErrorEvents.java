package relay.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import relay.model.Dialect;
import relay.model.JsonString;

/**
 * The error event that ends a stream broken after its first byte. The status line is already sent,
 * and a clean end would look like a complete answer.
 */
public final class ErrorEvents {

  private ErrorEvents() {}

  /**
   * One SSE event in the dialect's format, with its empty line. Append it only {@linkplain
   * UsageScanner#atEventBoundary at an event boundary}; elsewhere send an empty line first.
   *
   * @param type the dialect's error type, such as {@code api_error} or {@code timeout_error}
   */
  public static byte[] of(Dialect dialect, String type, String message) {
    String event =
        switch (dialect) {
          case ANTHROPIC ->
              "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
                  + JsonString.quote(type)
                  + ",\"message\":"
                  + JsonString.quote(message)
                  + "}}\n\n";
          case OPENAI ->
              "data: {\"error\":{\"message\":"
                  + JsonString.quote(message)
                  + ",\"type\":"
                  + JsonString.quote(type)
                  + ",\"param\":null,\"code\":null}}\n\n";
        };
    return event.getBytes(UTF_8);
  }

  /**
   * The same for OpenAI's Responses API. Its events have a type, and its clients look for an error
   * at two levels, so both have it.
   */
  public static byte[] ofResponses(String type, String message) {
    String text = JsonString.quote(message);
    String code = JsonString.quote(type);
    return ("event: error\ndata: {\"type\":\"error\",\"code\":%s,\"message\":%s,\"param\":null,"
            + "\"error\":{\"message\":%s,\"type\":%s,\"param\":null,\"code\":null}}\n\n")
        .formatted(code, text, text, code)
        .getBytes(UTF_8);
  }
}
