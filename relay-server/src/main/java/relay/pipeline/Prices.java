package relay.pipeline;

import java.util.List;
import org.jspecify.annotations.Nullable;
import relay.config.PriceConfig;

/** The prices of models, by the providers' names of them. */
record Prices(List<PriceConfig> all) {
  Prices {
    all = List.copyOf(all);
  }

  /** Null if the model has no price. */
  @Nullable PriceConfig of(String model) {
    for (PriceConfig price : all) {
      if (price.model().matches(model)) {
        return price;
      }
    }
    return null;
  }
}
