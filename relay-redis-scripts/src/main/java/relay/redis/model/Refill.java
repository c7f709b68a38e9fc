package relay.redis.model;

/**
 * The least time until a quota group's limits are full again, as a provider states it; {@link
 * Remaining#NOT_STATED} where it states none. With the remainder it tells how much the provider's
 * bucket holds.
 *
 * @param requestsMs for requests, in milliseconds
 * @param inputTokensMs for input tokens
 * @param outputTokensMs for output tokens
 * @param totalTokensMs for input and output tokens together
 */
public record Refill(long requestsMs, long inputTokensMs, long outputTokensMs, long totalTokensMs) {
  /** No time is stated in any dimension. */
  public static final Refill NONE =
      new Refill(
          Remaining.NOT_STATED, Remaining.NOT_STATED, Remaining.NOT_STATED, Remaining.NOT_STATED);

  public Refill {
    check(requestsMs);
    check(inputTokensMs);
    check(outputTokensMs);
    check(totalTokensMs);
  }

  private static void check(long millis) {
    if (millis < Remaining.NOT_STATED || millis > Limits.MAX) {
      throw new IllegalArgumentException(
          "a time until it is full must be from -1 to " + Limits.MAX + " ms: " + millis);
    }
  }

  /** The time for one dimension, or {@link Remaining#NOT_STATED}. */
  public long of(Dimension dimension) {
    return switch (dimension) {
      case REQUESTS -> requestsMs;
      case INPUT_TOKENS -> inputTokensMs;
      case OUTPUT_TOKENS -> outputTokensMs;
      case TOTAL_TOKENS -> totalTokensMs;
    };
  }
}
