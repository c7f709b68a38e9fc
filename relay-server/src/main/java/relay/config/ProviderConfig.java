package relay.config;

import java.net.URI;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import relay.model.Dialect;

/**
 * An upstream API and the pool of its keys.
 *
 * @param name the pool's name: also its hash tag in Redis
 * @param cloud what its type must know beside the base URL
 * @param baseUrl without a slash at its end; the request's path is appended
 * @param models the models that it serves; empty = any
 * @param modelMapping from a client's name of a model to the provider's
 * @param maxAttempts attempts on this provider for one request
 * @param passthrough whether requests for paths that Relay does not know go there
 * @param modelClasses in the order of the file: the first that fits a model is the model's
 * @param keys at least one, with different ids
 * @param groups every account x model class, {@code default} included, with its effective limits
 */
public record ProviderConfig(
    String name,
    ProviderType type,
    Cloud cloud,
    boolean enabled,
    URI baseUrl,
    List<String> models,
    Map<String, String> modelMapping,
    int maxAttempts,
    boolean passthrough,
    Pooling pooling,
    List<ModelClass> modelClasses,
    List<KeyConfig> keys,
    List<QuotaGroup> groups) {

  public ProviderConfig {
    models = List.copyOf(models);
    modelMapping = Collections.unmodifiableMap(new LinkedHashMap<>(modelMapping));
    modelClasses = List.copyOf(modelClasses);
    keys = List.copyOf(keys);
    groups = List.copyOf(groups);
  }

  public Dialect dialect() {
    return type.dialect();
  }

  /** The names of all model classes, {@code default} last. */
  public List<String> classNames() {
    return Stream.concat(modelClasses.stream().map(ModelClass::name), Stream.of(ModelClass.DEFAULT))
        .toList();
  }

  /** Whether the provider serves a model of this name, mapped or not. */
  public boolean serves(String model) {
    return models.isEmpty() || names(model);
  }

  /** Whether it names the model itself, where others may serve any. */
  public boolean names(String model) {
    return models.contains(model) || modelMapping.containsKey(model);
  }

  /** What its keys weigh together. */
  public long weight() {
    return keys.stream().mapToLong(KeyConfig::weight).sum();
  }

  /** The provider's name of a model. */
  public String upstreamModel(String model) {
    return modelMapping.getOrDefault(model, model);
  }

  /**
   * The class of a model: the first that the provider's name of it fits, else the first that the
   * client's name fits, which may be the only telling one of the two; else {@code default}.
   */
  public String classOf(String model) {
    if (modelClasses.isEmpty()) {
      return ModelClass.DEFAULT;
    }
    for (String name : List.of(upstreamModel(model), model)) {
      for (ModelClass each : modelClasses) {
        if (each.contains(name)) {
          return each.name();
        }
      }
    }
    return ModelClass.DEFAULT;
  }

  /**
   * How the pool's capacity is handed out.
   *
   * @param maxWait how long a request may be held for capacity before it is refused
   * @param window the length of the limits' window
   * @param burstRatio how much of a limit an idle group may take at once, in (0, 1]
   */
  public record Pooling(
      Strategy strategy,
      Affinity affinity,
      Duration maxWait,
      Duration window,
      Accounting accounting,
      double burstRatio) {

    /** Absent {@code pooling}. */
    public static final Pooling DEFAULT =
        new Pooling(
            Strategy.LEAST_LOADED,
            Affinity.SESSION,
            Duration.ZERO,
            Duration.ofMinutes(1),
            Accounting.SLIDING_WINDOW,
            1.0);
  }

  /** Which of the keys that can carry a request does. */
  public enum Strategy {
    LEAST_LOADED,
    ROUND_ROBIN,
    RANDOM,
    WEIGHTED
  }

  /** Whether a conversation stays on the account that holds its prompt cache. */
  public enum Affinity {
    SESSION,
    NONE
  }

  /** What the limits are taken for. */
  public enum Accounting {
    SLIDING_WINDOW,
    TOKEN_BUCKET
  }

  /** Models that share one quota in an account. */
  public record ModelClass(String name, List<ModelPattern> models) {

    /** The class of the models that are in no other. */
    public static final String DEFAULT = "default";

    public ModelClass {
      models = List.copyOf(models);
    }

    boolean contains(String model) {
      return models.stream().anyMatch(pattern -> pattern.matches(model));
    }
  }

  /** The unit of accounting: an account x model class. */
  public record QuotaGroup(String account, String modelClass, LimitsConfig limits) {

    /** {@code account/class}. */
    public String id() {
      return account + "/" + modelClass;
    }
  }
}
