package relay.stream;

import relay.model.Dialect;
import relay.model.TokenUsage;

/**
 * Extracts the token usage from an answer as it passes. Memory is bounded, whatever the answer's
 * size. Feed it the decoded bytes in order, split anywhere; results reflect the bytes fed so far.
 * Broken input yields no usage, never an exception.
 *
 * <p>A stream's usage is available at the end of its line; a JSON body's after the whole body. Not
 * thread-safe.
 */
public sealed interface UsageScanner permits SseUsageScanner, JsonUsageScanner {

  /** For a {@code text/event-stream}. */
  static UsageScanner ofStream(Dialect dialect) {
    return new SseUsageScanner(dialect);
  }

  /** For a JSON body. */
  static UsageScanner ofJson(Dialect dialect) {
    return new JsonUsageScanner(dialect);
  }

  /** Reads the model's name, too. */
  void seekModel();

  /** The model that answered; empty if it was not sought, or not named beside the usage. */
  String model();

  /** Reads what the answer tells of the response that it shows, too. */
  void seekResponse();

  /** What it told of the response, if that was sought. */
  ResponseState response();

  /** Reads the next bytes; the buffer is not kept. */
  void feed(byte[] buf, int off, int len);

  /** Ends the input: an unterminated last line counts as complete. */
  void end();

  /** The usage reported so far; {@link TokenUsage#NONE} if none. */
  TokenUsage usage();

  /** Bytes of text that a stream's model has made so far, about; 0 for a JSON body. */
  long madeBytes();

  /** Whether any count was reported, even if it was 0. */
  boolean reported();

  /**
   * Whether the answer is complete: anthropic's {@code message_stop}, openai's {@code [DONE]} (or
   * {@code response.completed}, {@code .incomplete}, {@code .failed}), the end of a JSON body.
   */
  boolean finished();

  /** Whether the provider reported an error inside the answer. */
  boolean errorSeen();

  /**
   * Whether the input ends between two events, so that an event may be appended. True before the
   * first byte, always false for a JSON body.
   */
  boolean atEventBoundary();
}
