package relay.pipeline;

import relay.model.Dialect;
import relay.model.TokenUsage;
import relay.redis.Lease;
import relay.stream.UsageScanner;

/**
 * What a reported usage counts against the limits.
 *
 * <p>Anthropic counts input that was read afresh or written to its cache; what it read from the
 * cache is free. OpenAI counts the whole prompt.
 */
record Charge(long inputTokens, long outputTokens) {

  static Charge of(Dialect dialect, TokenUsage usage) {
    return switch (dialect) {
      case ANTHROPIC ->
          new Charge(usage.inputTokens() + usage.cacheCreationTokens(), usage.outputTokens());
      case OPENAI ->
          new Charge(
              usage.inputTokens() + usage.cacheCreationTokens() + usage.cacheReadTokens(),
              usage.outputTokens());
    };
  }

  /**
   * What a request cost by what was seen of its answer. One that broke off may have cost more
   * output than was reported by then: the reservation stands for it.
   */
  static Charge seen(Dialect dialect, UsageScanner scanner, Lease lease) {
    if (!scanner.reported()) {
      return new Charge(lease.inputTokens(), lease.outputTokens());
    }
    Charge reported = of(dialect, scanner.usage());
    return scanner.finished()
        ? reported
        : new Charge(
            reported.inputTokens(), Math.max(reported.outputTokens(), lease.outputTokens()));
  }
}
