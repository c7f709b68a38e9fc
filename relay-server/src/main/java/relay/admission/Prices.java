package relay.admission;

import java.util.List;
import org.jspecify.annotations.Nullable;
import relay.config.PriceConfig;
import relay.model.TokenUsage;

/** The prices of models, by the providers' names of them. */
record Prices(List<PriceConfig> all) {
  Prices {
    all = List.copyOf(all);
  }

  /** What these tokens cost at least, in billionths of a dollar; 0 without prices. */
  long least(TokenUsage tokens) {
    return all.stream().mapToLong(price -> price.nanodollars(tokens)).min().orElse(0);
  }

  /** Null if the model has no price. */
  @Nullable PriceConfig of(String model) {
    return PriceConfig.of(all, model);
  }
}
