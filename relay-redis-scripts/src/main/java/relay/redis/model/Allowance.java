package relay.redis.model;

import java.time.Duration;

/**
 * What a key of a {@link PoolPlan#named} pool can take, as Redis said.
 *
 * @param requests how many requests
 * @param inputTokens input tokens of one request
 * @param outputTokens output tokens of one request
 * @param totalTokens input and output tokens of one request
 * @param saidNanos when, by {@link System#nanoTime}
 */
public record Allowance(
    Left requests, Left inputTokens, Left outputTokens, Left totalTokens, long saidNanos) {

  /**
   * One dimension.
   *
   * @param left what fits; 0 if there is no limit
   * @param full the time until the whole limit is left, without further traffic
   */
  public record Left(long left, Duration full) {}

  /** One dimension. */
  public Left of(Dimension dimension) {
    return switch (dimension) {
      case REQUESTS -> requests;
      case INPUT_TOKENS -> inputTokens;
      case OUTPUT_TOKENS -> outputTokens;
      case TOTAL_TOKENS -> totalTokens;
    };
  }
}
