package relay.attack;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

/** The bytes of requests. */
final class Requests {
  /** The provider's answer to a request: one of {@link AttackProvider}'s. */
  static final String ANSWER = "x-attack-answer";

  /** The conversation that a request continues. */
  static final String STATE = "x-attack-state";

  private Requests() {}

  static String body(String model, String members) {
    return "{\"model\":\"%s\",\"max_tokens\":64,%s\"messages\":[]}".formatted(model, members);
  }

  /** A good request. */
  static byte[] good(String key, String model, String answer) {
    String members = answer.equals(AttackProvider.JSON) ? "" : "\"stream\":true,";
    return post("/v1/messages", key, ANSWER + ": " + answer + "\r\n", body(model, members));
  }

  /**
   * A POST with a length.
   *
   * @param lines more header lines, each with its CRLF
   */
  static byte[] post(String target, String key, String lines, String body) {
    return (head(target, key) + lines + "content-length: " + body.length() + "\r\n\r\n" + body)
        .getBytes(ISO_8859_1);
  }

  /** The head of a POST, without a length and without its end. */
  static String head(String target, String key) {
    return "POST "
        + target
        + " HTTP/1.1\r\nhost: relay.test\r\ncontent-type: application/json\r\nx-api-key: "
        + key
        + "\r\n";
  }

  /** A head that never ends. */
  static byte[] unfinishedHead(int bytes) {
    return ("POST /v1/messages HTTP/1.1\r\nhost: a\r\nx-line: " + "x".repeat(bytes))
        .getBytes(ISO_8859_1);
  }
}
