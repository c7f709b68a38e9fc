package relay.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import relay.model.Dialect;
import relay.model.JsonString;

/**
 * The event with which a stream ends that broke after its first byte: the status line is long gone,
 * and a clean end would look like a whole answer.
 */
public final class ErrorEvents {

  private ErrorEvents() {}

  /**
   * One SSE event in the dialect's words, with its empty line. It may be appended only {@linkplain
   * UsageScanner#atEventBoundary at an event's boundary}; elsewhere an empty line must come first.
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
   * The same in the words of openai's responses, whose events have a type: it stands at both levels
   * at which their clients look for an error.
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
