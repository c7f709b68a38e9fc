package relay.estimate;

import relay.model.Counting;
import relay.model.TokenUsage;
import relay.redis.Estimates;
import relay.redis.model.Demand;
import relay.redis.model.ExpectedOutput;

/**
 * Computes the reservation for a request from the pool's learned ratios and the provider's charging
 * rule.
 */
public final class Estimator {
  /** The client does not say. */
  public static final long UNKNOWN = -1;

  private Estimator() {}

  /** What a request tells of its size. */
  public interface Size {

    /** Text bytes for the model, including the equivalent of attachments. */
    long inputBytes();

    /** The client's bound on the output; negative without one. */
    long maxOutputTokens();

    /** All its input tokens; negative if they are to be estimated. */
    default long inputTokens() {
      return UNKNOWN;
    }

    /** The output tokens to expect; negative if the learned mean serves. */
    default long outputTokens() {
      return UNKNOWN;
    }

    /** How many requests it stands for: its bytes and tokens are those of all together. */
    default int requests() {
      return 1;
    }
  }

  /**
   * The tokens to reserve.
   *
   * @param outputSpread standard deviation of the output; {@link Demand#AT_ADMISSION} if the
   *     provider charges the output at admission
   */
  public record Estimate(long inputTokens, long outputTokens, long outputSpread) {}

  /**
   * Estimates a request's tokens.
   *
   * @param learned the ratios learned from the pool's requests
   * @param size what is known of the request
   */
  public static Estimate estimate(Estimates learned, Counting counting, String model, Size size) {
    long maxOutputTokens = size.maxOutputTokens();
    ExpectedOutput expected = output(learned, model, size);
    long input =
        size.inputTokens() < 0
            ? learned.inputTokens(model, size.inputBytes())
            : counting.inputAtStart(new TokenUsage(size.inputTokens(), 0, 0, 0));
    long made = made(expected, maxOutputTokens);
    long weighed = Math.max(1, counting.weights().output(made));
    long spread = Math.min(counting.weights().output(expected.spread()), weighed);
    return switch (counting.bound()) {
      // Actual output counts; the bound only caps it.
      case UNCOUNTED -> new Estimate(input, weighed, made == 0 ? 0 : spread);
      // The provider charges the bound itself at admission.
      case KEPT -> {
        long bound = counting.weights().output(maxOutputTokens);
        yield new Estimate(
            input, maxOutputTokens < 0 ? weighed : Math.max(1, bound), Demand.AT_ADMISSION);
      }
      // It charges the bound unweighed; at the end the output, weighed, may be more.
      case HELD_AS_OUTPUT ->
          new Estimate(input, Math.max(weighed, maxOutputTokens), Demand.AT_ADMISSION);
      case HELD_AS_INPUT ->
          new Estimate(input + Math.max(made, maxOutputTokens), weighed, made == 0 ? 0 : spread);
    };
  }

  /**
   * The tokens to expect of the same request, each counted once whatever the limits make of it.
   * What a cache will hold of the input is unknown.
   */
  public static TokenUsage expected(Estimates learned, Counting counting, String model, Size size) {
    long input =
        size.inputTokens() < 0
            ? counting.unweighed(learned.inputTokens(model, size.inputBytes()))
            : size.inputTokens();
    return new TokenUsage(input, 0, 0, made(output(learned, model, size), size.maxOutputTokens()));
  }

  private static ExpectedOutput output(Estimates learned, String model, Size size) {
    if (size.outputTokens() >= 0) {
      return new ExpectedOutput(size.outputTokens(), 0);
    }
    ExpectedOutput one = learned.output(model);
    int all = size.requests();
    return all == 1
        ? one
        : new ExpectedOutput(all * one.tokens(), Math.round(Math.sqrt(all) * one.spread()));
  }

  private static long made(ExpectedOutput expected, long maxOutputTokens) {
    return maxOutputTokens < 0 ? expected.tokens() : Math.min(expected.tokens(), maxOutputTokens);
  }
}
