package relay.estimate;

import relay.model.Dialect;
import relay.redis.Estimates;

/**
 * What to reserve for a request before it is sent: a pool's learned estimates, by the rule of its
 * provider.
 */
public final class Estimator {
  private Estimator() {}

  /** What to reserve. */
  public record Estimate(long inputTokens, long outputTokens) {}

  /**
   * Estimates a request.
   *
   * @param learned what the pool's requests used
   * @param inputBytes bytes that the model will read as text, or that count as much
   * @param maxOutputTokens the client's bound on the output; negative if it gave none
   */
  public static Estimate estimate(
      Estimates learned, Dialect dialect, String model, long inputBytes, long maxOutputTokens) {
    long output = learned.outputTokens(model);
    if (maxOutputTokens >= 0) {
      output =
          switch (dialect) {
            // what is produced counts: the bound only caps it
            case ANTHROPIC -> Math.min(output, maxOutputTokens);
            // the bound itself is charged at admission, whatever is produced below it
            case OPENAI -> maxOutputTokens;
          };
    }
    return new Estimate(learned.inputTokens(model, inputBytes), Math.max(1, output));
  }
}
