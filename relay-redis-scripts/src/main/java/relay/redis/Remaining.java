package relay.redis;

/**
 * What a provider says that is left of a quota group's limits; {@link #NOT_STATED} where it says
 * nothing.
 *
 * @param requests requests
 * @param inputTokens input tokens
 * @param outputTokens output tokens
 * @param totalTokens input and output tokens together
 */
public record Remaining(long requests, long inputTokens, long outputTokens, long totalTokens) {
  /** Nothing was said of a dimension. */
  public static final long NOT_STATED = -1;

  /** Nothing was said at all. */
  public static final Remaining NONE =
      new Remaining(NOT_STATED, NOT_STATED, NOT_STATED, NOT_STATED);

  public Remaining {
    check(requests);
    check(inputTokens);
    check(outputTokens);
    check(totalTokens);
  }

  private static void check(long remaining) {
    if (remaining < NOT_STATED || remaining > Limits.MAX) {
      throw new IllegalArgumentException(
          "what is left lies in -1.." + Limits.MAX + ": " + remaining);
    }
  }

  /** What is left of one dimension, or {@link #NOT_STATED}. */
  public long of(Dimension dimension) {
    return switch (dimension) {
      case REQUESTS -> requests;
      case INPUT_TOKENS -> inputTokens;
      case OUTPUT_TOKENS -> outputTokens;
      case TOTAL_TOKENS -> totalTokens;
    };
  }
}
