package relay.config;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a request finds its provider where several serve its model.
 *
 * @param modelMapping from the beginning of a model's name to a provider; the longest that fits
 *     counts
 * @param defaultProvider null if none is preferred
 */
public record RoutingConfig(
    Strategy strategy, Map<String, String> modelMapping, @Nullable String defaultProvider) {

  /** Absent {@code routing}. */
  public static final RoutingConfig DEFAULT = new RoutingConfig(Strategy.FAILOVER, Map.of(), null);

  public RoutingConfig {
    modelMapping = Collections.unmodifiableMap(new LinkedHashMap<>(modelMapping));
  }

  /** Who is asked first; whoever has no capacity hands the request to the next. */
  public enum Strategy {
    /** In the order of the file. */
    FAILOVER,
    /** In turn. */
    ROUND_ROBIN,
    /** In turn, each as often as the weights of its keys together. */
    WEIGHTED_ROUND_ROBIN,
    /** At random. */
    SHUFFLE,
    /** The one of whose limits the least is used. */
    LEAST_LOADED,
    /** The one that {@code model_mapping} names. */
    MODEL_BASED
  }
}
