package relay.stream;

import relay.model.Dialect;
import relay.model.TokenUsage;

/** The latest counts of an answer, over its documents. */
final class UsageTotals {
  private final Dialect dialect;
  private long input = UsageDocument.ABSENT;
  private long output = UsageDocument.ABSENT;
  private long cacheCreation = UsageDocument.ABSENT;
  private long cacheRead = UsageDocument.ABSENT;

  UsageTotals(Dialect dialect) {
    this.dialect = dialect;
  }

  /** Counts are cumulative in every dialect, so the latest of each is the right one. */
  void take(UsageDocument document) {
    input = later(document.input, input);
    output = later(document.output, output);
    cacheCreation = later(document.cacheCreation, cacheCreation);
    cacheRead = later(document.cacheRead, cacheRead);
  }

  private static long later(long latest, long before) {
    return latest == UsageDocument.ABSENT ? before : latest;
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
      // OpenAI counts cached tokens within the prompt's; more than the prompt has cannot be true.
      read = Math.min(read, in);
      in -= read;
    }
    return new TokenUsage(in, Math.max(cacheCreation, 0), read, Math.max(output, 0));
  }
}
