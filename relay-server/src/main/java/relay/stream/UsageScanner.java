package relay.stream;

import relay.model.Dialect;
import relay.model.TokenUsage;

/**
 * Reads the usage out of an answer as it passes, without keeping it: memory is bounded and does not
 * depend on the answer. Feed it the decoded bytes in order, cut anywhere; what it says then is true
 * of what it was fed. Broken input gives no usage, never an exception.
 *
 * <p>A stream's usage counts from the end of the line that brought it; a JSON body's once the whole
 * body was read. Not thread-safe.
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

  /** Reads the next bytes; the buffer is not kept. */
  void feed(byte[] buf, int off, int len);

  /** Nothing follows: an unterminated last line counts as if it were ended. */
  void end();

  /** What was reported by now; {@link TokenUsage#NONE} if nothing was. */
  TokenUsage usage();

  /** Whether any count was reported, even if it was 0. */
  boolean reported();

  /**
   * Whether the answer is whole: anthropic's {@code message_stop}, openai's {@code [DONE]} (or
   * {@code response.completed}, {@code .incomplete}, {@code .failed}), the end of a JSON body.
   */
  boolean finished();

  /** Whether the provider reported an error inside the answer. */
  boolean errorSeen();

  /**
   * Whether an event may be appended to what was fed without touching one that is not yet ended;
   * true before the first byte, always false for a JSON body.
   */
  boolean atEventBoundary();
}
