package relay.config;

import java.util.List;
import org.jspecify.annotations.Nullable;
import relay.model.TokenUsage;

/**
 * The prices of models, in millionths of a US dollar a million tokens, which is 10^-12 dollars a
 * token.
 *
 * @param model matches the provider's names of the models
 * @param input of input that no cache holds
 * @param output of output
 * @param cacheRead of input that a cache held
 * @param cacheWrite of input that goes into a cache
 */
public record PriceConfig(
    ModelPattern model, long input, long output, long cacheRead, long cacheWrite) {
  /** In dollars a million tokens. */
  static final int MAX_DOLLARS = 1_000;

  static final int MAX_PRICES = 200;
  private static final long MOST_TOKENS = 1_000_000_000L; // their cost fits a long

  /** The first of these prices that a model has, by the provider's name of it; null if none. */
  public static @Nullable PriceConfig of(List<PriceConfig> prices, String model) {
    for (PriceConfig price : prices) {
      if (price.model.matches(model)) {
        return price;
      }
    }
    return null;
  }

  /** What tokens cost, in billionths of a dollar, rounded up. */
  public long nanodollars(TokenUsage tokens) {
    long cost =
        input * few(tokens.inputTokens())
            + output * few(tokens.outputTokens())
            + cacheRead * few(tokens.cacheReadTokens())
            + cacheWrite * few(tokens.cacheCreationTokens());
    return (cost + 999) / 1000;
  }

  private static long few(long tokens) {
    return Math.clamp(tokens, 0, MOST_TOKENS);
  }
}
