package relay.model;

/**
 * How a provider counts the requests of a model against its limits of tokens.
 *
 * @param bound what it does with the client's bound on the output
 */
public record Counting(Weights weights, Bound bound) {

  private static final String THIRD_GENERATION = "claude-3-"; // under any platform's name

  private static final Counting ANTHROPIC = new Counting(Weights.CACHE_READS_FREE, Bound.UNCOUNTED);
  private static final Counting OLD_ANTHROPIC = new Counting(Weights.EQUAL, Bound.UNCOUNTED);
  private static final Counting OPENAI = new Counting(Weights.EQUAL, Bound.KEPT);

  /** The part that {@code max_tokens} plays. */
  public enum Bound {
    /** None: output counts as it is made. */
    UNCOUNTED,
    /** It counts as output when the request begins, whatever is made. */
    KEPT,
    /** It counts as output until the request ends; so does all input, cached or not. */
    HELD_AS_OUTPUT,
    /** It counts as input until the request ends, and then the output as input, too. */
    HELD_AS_INPUT;

    boolean isHeld() {
      return this == HELD_AS_OUTPUT || this == HELD_AS_INPUT;
    }
  }

  /**
   * A dialect's own rule. Anthropic counts uncached input and cache writes. Cache reads are free,
   * except for models of the third generation. OpenAI counts the whole prompt, and at admission the
   * client's bound on the output, which it never gives back.
   *
   * @param model the model's name at the provider
   */
  public static Counting of(Dialect dialect, String model) {
    return switch (dialect) {
      case ANTHROPIC -> cacheReadsCount(model) ? OLD_ANTHROPIC : ANTHROPIC;
      case OPENAI -> OPENAI;
    };
  }

  /** Claude 3 and 3.5, not 3.7. */
  private static boolean cacheReadsCount(String model) {
    int at = model.indexOf(THIRD_GENERATION);
    return at >= 0 && !model.startsWith("7", at + THIRD_GENERATION.length());
  }

  /** Whether the output counts as it is made, so that reports of it are of use. */
  public boolean countsAsMade() {
    return bound == Bound.UNCOUNTED || bound == Bound.HELD_AS_INPUT;
  }

  /** The input that counts when a request begins: what estimates are learned from. */
  public long inputAtStart(TokenUsage usage) {
    return bound.isHeld()
        ? usage.inputTokens() + usage.cacheReadTokens() + usage.cacheCreationTokens()
        : weights.input(usage);
  }

  /**
   * The uncached input without its weight: prices are for a token, whatever it weighs.
   *
   * @param inputAtStart what it counts when a request begins
   */
  public long unweighed(long inputAtStart) {
    return bound.isHeld() || weights.input() == 0
        ? inputAtStart
        : Math.round(inputAtStart / weights.input());
  }

  /** The input that counts when a request has ended. */
  public long input(TokenUsage usage) {
    long input = weights.input(usage);
    return bound == Bound.HELD_AS_INPUT ? input + usage.outputTokens() : input;
  }

  /**
   * The output that counts when a request has ended.
   *
   * @param maxOutputTokens the client's bound; negative if it gave none
   */
  public long output(TokenUsage usage, long maxOutputTokens) {
    long most = bound == Bound.KEPT ? maxOutputTokens : 0;
    return weights.output(Math.max(usage.outputTokens(), most));
  }
}
