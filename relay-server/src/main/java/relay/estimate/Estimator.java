package relay.estimate;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import relay.model.Dialect;

/**
 * Estimates the tokens of a request before it is sent, per model, from those that were settled.
 * Bounded: models beyond {@value #MODELS} share one estimate. Thread-safe; nothing blocks.
 */
public final class Estimator {
  private static final int MODELS = 1_000;

  private final Map<String, ModelEstimate> models = new ConcurrentHashMap<>();
  private final ModelEstimate others = new ModelEstimate();

  /** What to reserve. */
  public record Estimate(long inputTokens, long outputTokens) {}

  /**
   * Estimates a request.
   *
   * @param textBytes bytes of text that the model will read
   * @param maxOutputTokens the client's bound on the output; negative if it gave none
   */
  public Estimate estimate(Dialect dialect, String model, long textBytes, long maxOutputTokens) {
    ModelEstimate of = of(model);
    long input = of.inputTokens(textBytes);
    long output = of.outputTokens();
    if (maxOutputTokens >= 0) {
      output =
          switch (dialect) {
            // what is produced counts: the bound only caps it
            case ANTHROPIC -> Math.min(output, maxOutputTokens);
            // the bound itself is charged at admission
            case OPENAI -> Math.max(1, maxOutputTokens);
          };
    }
    return new Estimate(input, Math.max(1, output));
  }

  /** Learns from a request whose usage was reported. */
  public void learn(String model, long textBytes, long inputTokens, long outputTokens) {
    of(model).learn(textBytes, inputTokens, outputTokens);
  }

  private ModelEstimate of(String model) {
    ModelEstimate known = models.get(model);
    if (known != null) {
      return known;
    }
    return models.size() < MODELS
        ? models.computeIfAbsent(model, m -> new ModelEstimate())
        : others;
  }
}
