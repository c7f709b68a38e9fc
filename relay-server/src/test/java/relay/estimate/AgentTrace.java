package relay.estimate;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import relay.model.Dialect;

/**
 * Synthetic agent traffic, reproducible by seed. Conversations start with a long system prompt and
 * tools. Each turn adds a tool result or a user message, sometimes an image. The provider caches a
 * conversation's prefix and sometimes evicts it. Outputs have a heavy tail: tool calls are short,
 * some answers are very long.
 */
final class AgentTrace {
  private static final double IMAGE_TOKENS = 1_400;

  /**
   * A model and its usage profile.
   *
   * @param prefixBytes approximate size of system prompt and tools
   * @param turnBytes median size of a turn
   * @param outputTokens median output per turn
   * @param turns the most turns of a conversation
   * @param imageShare the share of turns with an image
   * @param maxTokens the output bound that clients send
   */
  record Use(
      String model,
      Dialect dialect,
      double tokensPerByte,
      int prefixBytes,
      int turnBytes,
      int outputTokens,
      int turns,
      double imageShare,
      long maxTokens) {}

  /** A request with its actual usage and duration. */
  record Request(
      Use use, long inputBytes, long chargedInput, long output, double seconds, long maxTokens) {}

  static final List<Use> USES =
      List.of(
          new Use("claude-opus-4-6", Dialect.ANTHROPIC, 0.29, 90_000, 2_500, 260, 60, 0.03, 32_000),
          new Use(
              "claude-sonnet-4-5", Dialect.ANTHROPIC, 0.27, 60_000, 4_000, 320, 30, 0.08, 64_000),
          new Use("claude-haiku-4-5", Dialect.ANTHROPIC, 0.26, 3_000, 900, 40, 2, 0, 512),
          new Use("gpt-5", Dialect.OPENAI, 0.24, 20_000, 3_000, 300, 20, 0.05, -1));

  private static final double FORGOTTEN = 0.06;

  private AgentTrace() {}

  static List<Request> of(Use use, int requests, RandomGenerator random) {
    List<Request> trace = new ArrayList<>();
    while (trace.size() < requests) {
      converse(use, random, trace);
    }
    return trace.subList(0, requests);
  }

  private static void converse(Use use, RandomGenerator random, List<Request> trace) {
    double text = use.prefixBytes() * lognormal(random, 0.3);
    double perByte =
        use.tokensPerByte() * lognormal(random, 0.08); // varies between code, prose and languages
    double images = 0;
    double cachedTokens = 0;
    for (int turn = 1 + random.nextInt(use.turns()); turn > 0; turn--) {
      text += use.turnBytes() * lognormal(random, 1.3);
      images += random.nextDouble() < use.imageShare() ? 1 : 0;
      double tokens = text * perByte + images * IMAGE_TOKENS;
      boolean caches = use.dialect() == Dialect.ANTHROPIC && random.nextDouble() >= FORGOTTEN;
      double charged = caches ? tokens - cachedTokens : tokens;
      cachedTokens = use.dialect() == Dialect.ANTHROPIC ? tokens : 0;
      long output = Math.max(1, Math.round(use.outputTokens() * lognormal(random, 1.1)));
      if (use.maxTokens() > 0) {
        output = Math.min(output, use.maxTokens());
      }
      trace.add(
          new Request(
              use,
              Math.round(text + images * 6_000), // the scanner's size of an image
              Math.max(1, Math.round(charged)),
              output,
              1 + output / 60.0,
              use.maxTokens()));
      text += output / perByte;
    }
  }

  /** A lognormal factor with median 1. */
  private static double lognormal(RandomGenerator random, double sigma) {
    return StrictMath.exp(sigma * gaussian(random));
  }

  /**
   * The sum of twelve uniform values: identical on every platform, and close enough to a normal
   * distribution.
   */
  private static double gaussian(RandomGenerator random) {
    double sum = -6;
    for (int n = 0; n < 12; n++) {
      sum += random.nextDouble();
    }
    return sum;
  }
}
