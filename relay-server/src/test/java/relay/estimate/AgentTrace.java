package relay.estimate;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import relay.model.Dialect;

/**
 * Made-up traffic of agents, the same for the same seed: conversations with a long system prompt
 * and tools, which grow by a tool's result or a user's word with each turn, at times by an image.
 * The provider caches the prefix of a conversation, and forgets it now and then. Outputs have a
 * heavy tail: tool calls are short, an answer now and then is an essay.
 */
final class AgentTrace {
  private static final double IMAGE_TOKENS = 1_400;

  /**
   * A model and how it is used.
   *
   * @param prefixBytes of system prompt and tools, about
   * @param turnBytes that a turn adds, the median
   * @param outputTokens the median
   * @param turns of a conversation, at most
   * @param imageShare of turns that bring an image
   * @param maxTokens what clients state as their bound
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

  /** A request, and what it turned out to cost and to take. */
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
    double perByte = use.tokensPerByte() * lognormal(random, 0.08); // code, prose, other languages
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
              Math.round(text + images * 6_000), // as the scanner counts an image
              Math.max(1, Math.round(charged)),
              output,
              1 + output / 60.0,
              use.maxTokens()));
      text += output / perByte;
    }
  }

  /** Around 1, the median. */
  private static double lognormal(RandomGenerator random, double sigma) {
    return StrictMath.exp(sigma * gaussian(random));
  }

  /** The sum of twelve: the same on every platform, and near enough. */
  private static double gaussian(RandomGenerator random) {
    double sum = -6;
    for (int n = 0; n < 12; n++) {
      sum += random.nextDouble();
    }
    return sum;
  }
}
