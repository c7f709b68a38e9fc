package relay.pipeline;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import relay.config.PriceConfig;
import relay.model.TokenUsage;
import relay.redis.Lease;
import relay.redis.Usage;

/**
 * What one request costs in dollars, in billionths, for a client with such a budget: by the model
 * of each attempt. Used by one thread at a time.
 */
final class Spending {
  private final Prices prices;
  private final Map<Lease, PriceConfig> attempts = new HashMap<>(2);
  private final Map<Lease, Long> reported = new HashMap<>(2);

  Spending(Prices prices) {
    this.prices = prices;
  }

  /** What the estimate costs; -1 if the model has no price. */
  long of(String model, long inputTokens, long outputTokens) {
    PriceConfig price = prices.of(model);
    return price == null ? -1 : price.nanodollars(inputTokens, outputTokens, 0, 0);
  }

  /** An attempt with this model begins. */
  void began(Lease attempt, String model) {
    PriceConfig price = prices.of(model);
    if (price != null) {
      attempts.put(attempt, price);
    }
  }

  /** The provider has reported what an attempt used. */
  void reported(Lease attempt, TokenUsage usage, long outputTokens) {
    PriceConfig price = attempts.get(attempt);
    if (price != null) {
      reported.put(
          attempt,
          price.nanodollars(
              usage.inputTokens(),
              outputTokens,
              usage.cacheReadTokens(),
              usage.cacheCreationTokens()));
    }
  }

  /** What an attempt cost that was charged this: as reported, or else by the charge. */
  long cost(Lease attempt, @Nullable Usage charged) {
    PriceConfig price = attempts.get(attempt);
    if (price == null || charged == null) {
      return 0;
    }
    return reported.getOrDefault(
        attempt, price.nanodollars(charged.inputTokens(), charged.outputTokens(), 0, 0));
  }
}
