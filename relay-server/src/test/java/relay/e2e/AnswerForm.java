package relay.e2e;

import java.time.Instant;
import java.util.List;
import relay.e2e.RawProvider.Connection;
import relay.model.Dialect;

/** The form of a good answer. Its usage differs from any estimate of the short request. */
record AnswerForm(Dialect dialect, boolean stream) {
  /** How long a 429 lasts: longer than a test may take. */
  static final int RETRY_SECONDS = 900;

  static final int INPUT = 11_111;
  static final int OUTPUT = 777;

  static List<AnswerForm> all() {
    return List.of(
        new AnswerForm(Dialect.ANTHROPIC, false),
        new AnswerForm(Dialect.ANTHROPIC, true),
        new AnswerForm(Dialect.OPENAI, false),
        new AnswerForm(Dialect.OPENAI, true));
  }

  private static String large(String text) {
    return text.replace("_tokens\":7", "_tokens\":" + INPUT)
        .replace("_tokens\":3", "_tokens\":" + OUTPUT)
        .replace("_tokens\":10}", "_tokens\":" + (INPUT + OUTPUT) + "}");
  }

  String whole() {
    return large(stream ? String.join("", Says.events(dialect)) : Says.answer(dialect));
  }

  /** Its first events, or the first half of its JSON. */
  String half() {
    return stream
        ? large(String.join("", Says.events(dialect).subList(0, 2)))
        : whole().substring(0, whole().length() / 2);
  }

  String chunkedHead() {
    return stream ? Says.STREAM : Says.STREAM.replace("text/event-stream", "application/json");
  }

  /** The head of an answer with a length. */
  String head(int length) {
    return "HTTP/1.1 200 OK\r\ncontent-type: "
        + (stream ? "text/event-stream" : "application/json")
        + "\r\ncontent-length: "
        + length
        + "\r\n\r\n";
  }

  /** Sends a good answer. */
  void fine(Connection connection) throws Exception {
    if (stream) {
      connection.write(chunkedHead());
      connection.chunk(whole());
      connection.chunk("");
    } else {
      connection.write(Says.json(200, whole()));
    }
  }

  /** Sends the first half of a good answer. */
  void begin(Connection connection) throws Exception {
    if (stream) {
      connection.write(chunkedHead());
      connection.chunk(half());
    } else {
      connection.write(head(whole().length()) + half());
    }
  }

  /** Sends the rest. */
  void end(Connection connection) throws Exception {
    String rest = whole().substring(half().length());
    if (stream) {
      connection.chunk(rest);
      connection.chunk("");
    } else {
      connection.write(rest);
    }
  }

  /** A 429 that says when to come again. */
  String limited(String text) {
    return Says.json(
        429, Says.error(dialect, "rate_limit_error", text), "retry-after: " + RETRY_SECONDS);
  }

  String error(String type) {
    return Says.error(dialect, type, "as the provider says");
  }

  String[] resetHeaders() {
    return switch (dialect) {
      case ANTHROPIC ->
          new String[] {
            "anthropic-ratelimit-requests-limit: 50",
            "anthropic-ratelimit-requests-remaining: 0",
            "anthropic-ratelimit-requests-reset: " + Instant.now().plusSeconds(RETRY_SECONDS)
          };
      case OPENAI ->
          new String[] {
            "x-ratelimit-limit-requests: 50",
            "x-ratelimit-remaining-requests: 0",
            "x-ratelimit-reset-requests: " + RETRY_SECONDS + "s"
          };
    };
  }
}
