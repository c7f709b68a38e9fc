package relay.trial.load;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;

/** Whole HTTP requests of the load, each made once and sent many times. */
public final class RequestBytes {
  public static final String MESSAGES_MODEL = "claude-sonnet-4-5";

  /** What follows the text of the message. */
  static final String END = "\"}]}";

  private static final int SIZES = 11;
  private static final int PLAIN_TOKENS = 100;

  private RequestBytes() {}

  /**
   * A Messages request. Its body has {@code 4 * inputTokens} bytes; the simulator counts a token
   * for 4 bytes.
   */
  public static byte[] messages(String apiKey, int inputTokens, int outputTokens, boolean stream) {
    return messages(apiKey, MESSAGES_MODEL, inputTokens, outputTokens, stream);
  }

  /** The same for another model. */
  public static byte[] messages(
      String apiKey, String model, int inputTokens, int outputTokens, boolean stream) {
    return request("/v1/messages", apiKey, messagesHead(model, stream), inputTokens, outputTokens);
  }

  /**
   * The same, with more header lines of the simulator.
   *
   * @param more each begins with a line break
   */
  public static byte[] scripted(
      String apiKey, int inputTokens, int outputTokens, boolean stream, String more) {
    String head = messagesHead(MESSAGES_MODEL, stream);
    return request("/v1/messages", apiKey, head, inputTokens, outputTokens + more);
  }

  /** The same as a Chat Completions request. */
  public static byte[] chat(
      String apiKey, String model, int inputTokens, int outputTokens, boolean stream) {
    return request(
        "/v1/chat/completions", apiKey, chatHead(model, stream), inputTokens, outputTokens);
  }

  /** Messages requests of 0.5 to 1.5 times the mean input. */
  public static List<byte[]> ofManySizes(
      String apiKey, int meanInputTokens, int outputTokens, boolean stream) {
    return IntStream.range(0, SIZES)
        .map(size -> meanInputTokens / 2 + meanInputTokens * size / (SIZES - 1))
        .mapToObj(input -> messages(apiKey, input, outputTokens, stream))
        .toList();
  }

  /**
   * A request to any gateway, with its header lines. It orders no answer of the simulator: few
   * gateways pass such headers on.
   *
   * @param chat whether it is a Chat Completions request, not a Messages request
   */
  public static byte[] plain(
      String path, List<String> headers, boolean chat, String model, boolean stream) {
    String head = chat ? chatHead(model, stream) : messagesHead(model, stream);
    StringBuilder lines = new StringBuilder();
    headers.forEach(line -> lines.append(line).append("\r\n"));
    return request(path, lines.toString(), body(head, PLAIN_TOKENS));
  }

  private static String messagesHead(String model, boolean stream) {
    return "{\"model\":\""
        + model
        + "\",\"max_tokens\":1024,\"stream\":"
        + stream
        + ",\"messages\":[{\"role\":\"user\",\"content\":\"";
  }

  private static String chatHead(String model, boolean stream) {
    return "{\"model\":\""
        + model
        + "\",\"max_completion_tokens\":1024,\"stream\":"
        + stream
        + ",\"messages\":[{\"role\":\"user\",\"content\":\"";
  }

  /** Asks for a stream of events with content, and a pause between them. */
  static byte[] paced(
      String apiKey, String model, int inputTokens, int outputTokens, int events, int pauseMs) {
    String head =
        "{\"model\":\""
            + model
            + "\",\"max_tokens\":8192,\"stream\":true"
            + ",\"messages\":[{\"role\":\"user\",\"content\":\"";
    String script =
        outputTokens + "\r\nx-sim-events: " + events + "\r\nx-sim-event-interval-ms: " + pauseMs;
    return request("/v1/messages", apiKey, head, inputTokens, script);
  }

  private static byte[] request(
      String path, String apiKey, String head, int inputTokens, int outputTokens) {
    return request(path, apiKey, head, inputTokens, Integer.toString(outputTokens));
  }

  private static byte[] request(
      String path, String apiKey, String head, int inputTokens, String script) {
    String headers = "x-api-key: " + apiKey + "\r\nx-sim-output-tokens: " + script + "\r\n";
    return request(path, headers, body(head, inputTokens));
  }

  private static String body(String head, int inputTokens) {
    int padding = 4 * inputTokens - head.length() - END.length();
    if (padding < 0) {
      throw new IllegalArgumentException("inputTokens must be at least 40");
    }
    String text = "the quick brown fox jumps over the lazy dog ".repeat(padding / 44 + 1);
    return head + text.substring(0, padding) + END;
  }

  private static byte[] request(String path, String headers, String body) {
    return ("POST "
            + path
            + " HTTP/1.1\r\n"
            + "Host: 127.0.0.1\r\n"
            + "Content-Type: application/json\r\n"
            + "anthropic-version: 2023-06-01\r\n"
            + headers
            + "Content-Length: "
            + body.length()
            + "\r\n\r\n"
            + body)
        .getBytes(StandardCharsets.US_ASCII);
  }
}
