package relay.redis.model;

/**
 * The limits of a quota group per window. 0 means that no limit is known, and admits freely.
 *
 * @param requests requests
 * @param inputTokens input tokens
 * @param outputTokens output tokens
 * @param totalTokens input and output tokens together
 */
public record Limits(long requests, long inputTokens, long outputTokens, long totalTokens) {

  /** No limit is known. */
  public static final Limits UNKNOWN = new Limits(0, 0, 0, 0);

  /** The largest limit that the engine counts exactly. */
  public static final long MAX = 1_000_000_000_000L;

  public Limits {
    check(requests);
    check(inputTokens);
    check(outputTokens);
    check(totalTokens);
  }

  /** Whether there is a limit in any dimension. */
  public boolean areKnown() {
    return requests > 0 || inputTokens > 0 || outputTokens > 0 || totalTokens > 0;
  }

  private static void check(long limit) {
    if (limit < 0 || limit > MAX) {
      throw new IllegalArgumentException("a limit must be from 0 to " + MAX + ": " + limit);
    }
  }

  /** The limit of one dimension. */
  public long of(Dimension dimension) {
    return switch (dimension) {
      case REQUESTS -> requests;
      case INPUT_TOKENS -> inputTokens;
      case OUTPUT_TOKENS -> outputTokens;
      case TOTAL_TOKENS -> totalTokens;
    };
  }
}
