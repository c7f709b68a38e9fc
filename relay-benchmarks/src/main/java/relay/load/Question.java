package relay.load;

import java.nio.charset.StandardCharsets;
import java.util.List;
import relay.standin.StandIn;

/**
 * A request to {@code /v1/messages} in the style of coding agents: turns of prose and code.
 *
 * @param bodyBytes the length of the body
 * @param events the number of content events in the requested stream; negative = a JSON answer
 * @param intervalMillis the time between two events
 */
public record Question(int bodyBytes, int events, long intervalMillis) {
  /** The client credential at the measured replicas. */
  public static final String CLIENT_KEY = "a-client-of-the-benchmark";

  private static final List<String> WORDS =
      List.of(
          "please",
          "look",
          "at",
          "the",
          "test",
          "that",
          "fails",
          "since",
          "this",
          "morning",
          "if",
          "(queue.isEmpty())",
          "return",
          "null;",
          "why",
          "does",
          "it",
          "say",
          "\\\"timed out\\\"",
          "after",
          "30",
          "s?",
          "the",
          "log",
          "is",
          "in",
          "build/report.txt,\\n",
          "and",
          "a",
          "colleague",
          "thinks",
          "of",
          "a",
          "race",
          "between",
          "close()",
          "and",
          "write()");

  private static final int TURN_BYTES = 700;

  /** A request with a JSON answer. */
  public static Question ofJson(int bodyBytes) {
    return new Question(bodyBytes, -1, 0);
  }

  /** A request with an answer of this many events, back to back. */
  public static Question ofEvents(int bodyBytes, int events) {
    return new Question(bodyBytes, events, 0);
  }

  /** The complete request, of the client that all measured replicas know. */
  public byte[] bytes() {
    return bytes(CLIENT_KEY);
  }

  /** The complete request. */
  byte[] bytes(String clientKey) {
    String body = body();
    StringBuilder request = new StringBuilder();
    request
        .append("POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n")
        .append("content-type: application/json\r\naccept: application/json\r\n")
        .append("user-agent: benchmark\r\nanthropic-version: 2023-06-01\r\n")
        .append("x-api-key: ")
        .append(clientKey)
        .append("\r\ncontent-length: ")
        .append(body.length())
        .append("\r\n");
    if (events >= 0) {
      request.append(StandIn.EVENTS + ": ").append(events).append("\r\n");
      request.append(StandIn.INTERVAL + ": ").append(intervalMillis).append("\r\n");
    }
    return request.append("\r\n").append(body).toString().getBytes(StandardCharsets.US_ASCII);
  }

  /** The request's body. */
  public String body() {
    StringBuilder body =
        new StringBuilder(
            "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":1024,"
                + "\"system\":\"You help with a program. Be brief, and name the file.\","
                + "\"messages\":[");
    String end = "\"}]}]" + (events >= 0 ? ",\"stream\":true}" : "}");
    int words = 0;
    for (int turn = 0; ; turn++) {
      body.append(turn == 0 ? "" : "\"}]},")
          .append("{\"role\":\"")
          .append(turn % 2 == 0 ? "user" : "assistant")
          .append("\",\"content\":[{\"type\":\"text\",\"text\":\"");
      int room = bodyBytes - body.length() - end.length();
      boolean last = turn % 2 == 0 && room < 3 * TURN_BYTES;
      int until = body.length() + (last ? room : TURN_BYTES);
      for (String word = word(words); body.length() + word.length() < until; word = word(words)) {
        body.append(word).append(' ');
        words++;
      }
      body.repeat('.', Math.max(0, until - body.length()));
      if (last) {
        return body.append(end).toString();
      }
    }
  }

  private static String word(int n) {
    return WORDS.get((int) (((n * 2_654_435_761L) >>> 7) % WORDS.size()));
  }
}
