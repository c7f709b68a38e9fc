package relay.pipeline;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import relay.model.Dialect;
import relay.model.HeaderLines;
import relay.model.JsonString;
import relay.model.RelayError;

/** Relay's own errors in the format of each dialect. */
public final class ErrorBodies {
  /**
   * The longest wait that an answer names: some clients sleep as long as it says, for hours, and
   * show nothing.
   */
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);

  private ErrorBodies() {}

  /** The JSON body. */
  public static byte[] body(Dialect dialect, RelayError error, String requestId) {
    String json =
        switch (dialect) {
          case ANTHROPIC ->
              "{\"type\":\"error\",\"error\":{\"type\":%s,\"message\":%s},\"request_id\":%s}"
                  .formatted(
                      JsonString.quote(error.type()),
                      JsonString.quote(error.message()),
                      JsonString.quote(requestId));
          case OPENAI ->
              "{\"error\":{\"message\":%s,\"type\":%s,\"param\":null,\"code\":%s}}"
                  .formatted(
                      JsonString.quote(error.message()),
                      JsonString.quote(error.type()),
                      error.code() == null ? "null" : JsonString.quote(error.code()));
        };
    return json.getBytes(StandardCharsets.UTF_8);
  }

  /** The header lines that go with it. */
  public static HeaderLines headers(RelayError error, String requestId) {
    HeaderLines lines =
        new HeaderLines()
            .add("content-type", "application/json")
            .add("x-relay-request-id", requestId)
            .add("request-id", requestId)
            .add("x-request-id", requestId) // where OpenAI's SDKs look for it
            .add("x-relay-error-origin", "relay");
    Duration wait = error.retryAfter();
    boolean isSoon = wait != null && wait.compareTo(LONGEST_WAIT) <= 0;
    boolean isHopeless =
        error.status() < 500
            ? error.status() != 429 || !isSoon
            : error.status() == 503 && wait == null;
    if (isHopeless) {
      // The SDKs obey it. Without it Claude Code silently retries a 401 for minutes, and
      // Anthropic's SDK waits a day for a day's limit.
      lines.add("x-should-retry", "false");
    }
    if (wait != null) {
      long millis = Math.max(1, (wait.toNanos() + 999_999) / 1_000_000);
      lines
          .add("retry-after", Long.toString((millis + 999) / 1000))
          .add("retry-after-ms", Long.toString(millis));
    }
    return lines;
  }
}
