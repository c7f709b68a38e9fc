package relay.redis.model;

/**
 * Usage of a quota group.
 *
 * @param requests requests
 * @param inputTokens input tokens
 * @param outputTokens output tokens
 */
public record Usage(long requests, long inputTokens, long outputTokens) {

  /** No usage. */
  public static final Usage NONE = new Usage(0, 0, 0);

  /** Input and output tokens together. */
  public long totalTokens() {
    return inputTokens + outputTokens;
  }

  /** The usage in one dimension. */
  public long of(Dimension dimension) {
    return switch (dimension) {
      case REQUESTS -> requests;
      case INPUT_TOKENS -> inputTokens;
      case OUTPUT_TOKENS -> outputTokens;
      case TOTAL_TOKENS -> totalTokens();
    };
  }

  /** The sum of both. */
  public Usage plus(Usage other) {
    return new Usage(
        requests + other.requests,
        inputTokens + other.inputTokens,
        outputTokens + other.outputTokens);
  }
}
