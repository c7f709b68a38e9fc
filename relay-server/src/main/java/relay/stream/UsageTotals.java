package relay.stream;

import relay.model.Dialect;
import relay.model.TokenUsage;

/** The latest counts over all documents of an answer. */
final class UsageTotals {
  private final Dialect dialect;
  private long input = UsageDocument.ABSENT;
  private long output = UsageDocument.ABSENT;
  private long cacheCreation = UsageDocument.ABSENT;
  private long cacheRead = UsageDocument.ABSENT;

  UsageTotals(Dialect dialect) {
    this.dialect = dialect;
  }

  void take(UsageDocument document) {
    input = UsageDocument.later(document.input, input);
    output = UsageDocument.later(document.output, output);
    cacheCreation = UsageDocument.later(document.cacheCreation, cacheCreation);
    cacheRead = UsageDocument.later(document.cacheRead, cacheRead);
  }

  boolean reported() {
    return Math.max(Math.max(input, output), Math.max(cacheCreation, cacheRead))
        != UsageDocument.ABSENT;
  }

  TokenUsage usage() {
    if (!reported()) {
      return TokenUsage.NONE;
    }
    long in = Math.max(input, 0);
    long read = Math.max(cacheRead, 0);
    if (dialect == Dialect.OPENAI) {
      // OpenAI includes cached tokens in the prompt's count, so they cannot exceed it.
      read = Math.min(read, in);
      in -= read;
    }
    return new TokenUsage(in, Math.max(cacheCreation, 0), read, Math.max(output, 0));
  }
}
