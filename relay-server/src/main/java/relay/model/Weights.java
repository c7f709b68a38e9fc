package relay.model;

/**
 * How much a token of each kind counts against the limits.
 *
 * @param input uncached input
 * @param cacheRead input that the provider read from its cache
 * @param cacheWrite input that it wrote to its cache
 * @param output generated tokens
 */
public record Weights(double input, double cacheRead, double cacheWrite, double output) {

  /** The largest weight. */
  public static final double MAX = 1_000;

  /** Anthropic's rule: cache reads are free. */
  public static final Weights CACHE_READS_FREE = new Weights(1, 0, 1, 1);

  /** Each token counts once: OpenAI's rule. */
  public static final Weights EQUAL = new Weights(1, 1, 1, 1);

  public Weights {
    check(input);
    check(cacheRead);
    check(cacheWrite);
    check(output);
  }

  private static void check(double weight) {
    if (!(weight >= 0 && weight <= MAX)) {
      throw new IllegalArgumentException("a weight must be from 0 to " + MAX);
    }
  }

  /** What the input of an answer counts. */
  public long input(TokenUsage usage) {
    return up(
        input * usage.inputTokens()
            + cacheRead * usage.cacheReadTokens()
            + cacheWrite * usage.cacheCreationTokens());
  }

  /** What output tokens count. */
  public long output(long tokens) {
    return up(output * tokens);
  }

  private static long up(double weighed) {
    return (long) Math.ceil(weighed);
  }
}
