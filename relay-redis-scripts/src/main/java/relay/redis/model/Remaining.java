package relay.redis.model;

/**
 * The remainders of a quota group's limits as a provider states them; {@link #NOT_STATED} where it
 * states none.
 *
 * @param requests requests
 * @param inputTokens input tokens
 * @param outputTokens output tokens
 * @param totalTokens input and output tokens together
 */
public record Remaining(long requests, long inputTokens, long outputTokens, long totalTokens) {
  /** The provider states no remainder. */
  public static final long NOT_STATED = -1;

  /** No remainder is stated in any dimension. */
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
          "a remainder must be from -1 to " + Limits.MAX + ": " + remaining);
    }
  }

  /** The remainder of one dimension, or {@link #NOT_STATED}. */
  public long of(Dimension dimension) {
    return switch (dimension) {
      case REQUESTS -> requests;
      case INPUT_TOKENS -> inputTokens;
      case OUTPUT_TOKENS -> outputTokens;
      case TOTAL_TOKENS -> totalTokens;
    };
  }
}
