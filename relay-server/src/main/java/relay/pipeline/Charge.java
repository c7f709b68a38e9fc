package relay.pipeline;

import java.util.regex.Pattern;
import relay.model.Dialect;
import relay.model.TokenUsage;
import relay.redis.Lease;
import relay.stream.UsageScanner;

/**
 * The charge of a reported usage against the limits.
 *
 * <p>Anthropic counts uncached input and cache writes. Cache reads are free, except for models of
 * the third generation. OpenAI counts the whole prompt, and at admission the client's bound on the
 * output, which it never gives back.
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
   * The charge by the usage seen so far. An incomplete answer may have cost more output than it
   * reported, so at least what its bytes show is charged, or the reservation.
   *
   * @param made output by the bytes of the stream; 0 if unknown
   */
  static Charge seen(RequestPlan plan, UsageScanner scanner, Lease lease, long made) {
    if (!scanner.reported()) {
      return new Charge(lease.inputTokens(), lease.outputTokens());
    }
    Charge reported =
        of(plan.dialect(), plan.upstreamModel(), plan.parsed().maxOutputTokens(), scanner.usage());
    return scanner.finished()
        ? reported
        : new Charge(
            reported.inputTokens(),
            Math.max(reported.outputTokens(), made > 0 ? made : lease.outputTokens()));
  }
}
