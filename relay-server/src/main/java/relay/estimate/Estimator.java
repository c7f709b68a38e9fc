package relay.estimate;

import relay.model.Dialect;
import relay.redis.Demand;
import relay.redis.Estimates;
import relay.redis.ExpectedOutput;

/**
 * Computes the reservation for a request from the pool's learned ratios and the provider's charging
 * rule.
 */
public final class Estimator {
  private Estimator() {}

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
   * @param inputBytes text bytes for the model, including the equivalent of attachments
   * @param maxOutputTokens the client's bound on the output; negative = none
   */
  public static Estimate estimate(
      Estimates learned, Dialect dialect, String model, long inputBytes, long maxOutputTokens) {
    ExpectedOutput expected = learned.output(model);
    long output = expected.tokens();
    if (maxOutputTokens >= 0) {
      output =
          switch (dialect) {
            // actual output counts; the bound only caps it
            case ANTHROPIC -> Math.min(output, maxOutputTokens);
            // the provider charges the bound itself at admission
            case OPENAI -> maxOutputTokens;
          };
    }
    long spread =
        dialect == Dialect.ANTHROPIC ? Math.min(expected.spread(), output) : Demand.AT_ADMISSION;
    return new Estimate(learned.inputTokens(model, inputBytes), Math.max(1, output), spread);
  }
}
