package relay.config;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How to choose a provider if several serve the model.
 *
 * @param modelMapping maps model name prefixes to providers; the longest matching prefix applies
 * @param defaultProvider null = none
 */
public record RoutingConfig(
    Strategy strategy, Map<String, String> modelMapping, @Nullable String defaultProvider) {

  /** The defaults if {@code routing} is absent. */
  public static final RoutingConfig DEFAULT = new RoutingConfig(Strategy.FAILOVER, Map.of(), null);

  public RoutingConfig {
    modelMapping = Collections.unmodifiableMap(new LinkedHashMap<>(modelMapping));
  }

  /** Which provider is tried first. If it has no capacity, the next one is tried. */
  public enum Strategy {
    /** In file order. */
    FAILOVER,
    /** In turn. */
    ROUND_ROBIN,
    /** In turn, in proportion to the total weight of each provider's keys. */
    WEIGHTED_ROUND_ROBIN,
    /** At random. */
    SHUFFLE,
    /** The provider with the lowest utilization of its limits. */
    LEAST_LOADED,
    /** The provider given by {@code model_mapping}. */
    MODEL_BASED
  }
}
