package relay.pipeline;

import java.util.regex.Pattern;
import relay.model.Dialect;
import relay.model.TokenUsage;
import relay.redis.Lease;
import relay.stream.UsageScanner;

/**
 * What a reported usage counts against the limits.
 *
 * <p>Anthropic counts input that was read afresh or written to its cache; what it read from the
 * cache is free, but for its models of the third generation. OpenAI counts the whole prompt, and at
 * admission the output that the client allowed, which it does not give back.
 */
record Charge(long inputTokens, long outputTokens) {

  /** Claude 3 and 3.5, under any platform's name for them; not 3.7. */
  private static final Pattern CACHE_READS_COUNT = Pattern.compile("claude-3-(?!7)");

  /**
   * The charge of a request that has ended.
   *
   * @param model the model's name at the provider
   * @param maxOutputTokens the client's bound on the output; negative if it gave none
   */
  static Charge of(Dialect dialect, String model, long maxOutputTokens, TokenUsage usage) {
    long input = usage.inputTokens() + usage.cacheCreationTokens();
    return switch (dialect) {
      case ANTHROPIC ->
          new Charge(
              CACHE_READS_COUNT.matcher(model).find() ? input + usage.cacheReadTokens() : input,
              usage.outputTokens());
      case OPENAI ->
          new Charge(
              input + usage.cacheReadTokens(), Math.max(usage.outputTokens(), maxOutputTokens));
    };
  }

  /**
   * What a request cost by what was seen of its answer. One that broke off may have cost more
   * output than was reported by then: the reservation stands for it.
   */
  static Charge seen(RequestPlan plan, UsageScanner scanner, Lease lease) {
    if (!scanner.reported()) {
      return new Charge(lease.inputTokens(), lease.outputTokens());
    }
    Charge reported =
        of(plan.dialect(), plan.upstreamModel(), plan.parsed().maxOutputTokens(), scanner.usage());
    return scanner.finished()
        ? reported
        : new Charge(
            reported.inputTokens(), Math.max(reported.outputTokens(), lease.outputTokens()));
  }
}
