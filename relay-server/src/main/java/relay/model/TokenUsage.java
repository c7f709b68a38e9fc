package relay.model;

/**
 * Token counts of one answer, as the provider reported them; a count that was not reported is 0.
 *
 * <p>The dialects count differently; here the counts are normalized: {@code inputTokens} never
 * includes cached tokens.
 *
 * @param inputTokens uncached prompt tokens (anthropic {@code input_tokens}; openai {@code
 *     prompt_tokens} minus {@code cached_tokens})
 * @param cacheCreationTokens prompt tokens written to the provider's cache (anthropic only)
 * @param cacheReadTokens prompt tokens served from the provider's cache
 * @param outputTokens generated tokens
 */
public record TokenUsage(
    long inputTokens, long cacheCreationTokens, long cacheReadTokens, long outputTokens) {

  /** No usage reported. */
  public static final TokenUsage NONE = new TokenUsage(0, 0, 0, 0);

  public TokenUsage {
    if (inputTokens < 0 || cacheCreationTokens < 0 || cacheReadTokens < 0 || outputTokens < 0) {
      throw new IllegalArgumentException("a token count must not be negative");
    }
  }

  /** The same with other output. */
  public TokenUsage withOutput(long tokens) {
    return new TokenUsage(inputTokens, cacheCreationTokens, cacheReadTokens, tokens);
  }
}
