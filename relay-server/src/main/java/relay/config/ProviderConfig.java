package relay.config;

import java.net.URI;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import relay.model.Counting;
import relay.model.Dialect;
import relay.model.Weights;

/**
 * An upstream API and the pool of its keys.
 *
 * @param name the pool's name: also its hash tag in Redis
 * @param cloud the settings specific to its type
 * @param baseUrl without a trailing slash; the request's path is appended
 * @param api what Relay knows of the API there
 * @param accounts whether accounts that answers show to be one organisation count as one
 * @param access how connections are made: TLS and proxy
 * @param models the served models; empty = any
 * @param modelMapping maps client model names to the provider's names
 * @param maxAttempts the most attempts on this provider per request
 * @param passthrough whether requests for unknown paths may go to this provider
 * @param clientHeaders which headers of clients go to it
 * @param modelClasses in order; a model belongs to the first class that matches
 * @param modelsAlone whether a model without a class has a quota of its own, not {@code default}'s
 * @param keys at least one, with unique ids
 * @param groups every account x model class, {@code default} included, with its effective limits
 */
public record ProviderConfig(
    String name,
    ProviderType type,
    Cloud cloud,
    boolean enabled,
    URI baseUrl,
    KnownApi api,
    Accounts accounts,
    ProviderAccess access,
    List<String> models,
    Map<String, String> modelMapping,
    int maxAttempts,
    boolean passthrough,
    ClientHeaders clientHeaders,
    Pooling pooling,
    List<ModelClass> modelClasses,
    boolean modelsAlone,
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

  /** The service tiers that its API is known to have. */
  public ServiceTiers tiers() {
    return ServiceTiers.of(type, api);
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

  /** Whether the configuration lists the model explicitly, as served or as mapped. */
  public boolean names(String model) {
    return models.contains(model) || modelMapping.containsKey(model);
  }

  /** The total weight of its keys. */
  public long weight() {
    return keys.stream().mapToLong(KeyConfig::weight).sum();
  }

  /** The models that clients may ask for by a name in the configuration. */
  public Set<String> namedModels() {
    Set<String> models = new TreeSet<>(this.models);
    models.addAll(modelMapping.keySet());
    return models;
  }

  /** The provider's name of a model. */
  public String upstreamModel(String model) {
    return modelMapping.getOrDefault(model, model);
  }

  /**
   * The class of a model: the first class that matches the provider's name, else the first that
   * matches the client's name, else {@code default}. An Azure deployment name may not reveal the
   * model, so the client's name counts too.
   */
  public String classOf(String model) {
    ModelClass found = find(model);
    return found == null ? ModelClass.DEFAULT : found.name();
  }

  private @Nullable ModelClass find(String model) {
    if (modelClasses.isEmpty()) {
      return null;
    }
    for (String name : List.of(upstreamModel(model), model)) {
      for (ModelClass each : modelClasses) {
        if (each.contains(name)) {
          return each;
        }
      }
    }
    return null;
  }

  /**
   * How requests for a model count: by the weights of its class, else as is known of the API, else
   * by the dialect's rule.
   */
  public Counting countingOf(String model) {
    Counting known = api.counting(dialect(), upstreamModel(model));
    ModelClass found = find(model);
    Weights stated = found == null ? null : found.weights();
    return stated == null ? known : new Counting(stated, known.bound());
  }

  /**
   * How requests get keys and capacity from the pool.
   *
   * @param maxWait how long a request may wait for capacity before it is refused
   * @param window the length of the rate-limit window
   * @param enforce false: limits are counted and never refuse
   * @param burstRatio the share of a limit that an idle group may use at once, in (0, 1]
   * @param interactiveHeadroom the share of each limit that lower priorities leave free
   * @param standardHeadroom the share that batch requests leave free beyond that
   * @param floor the share of each limit that batch requests have before all others
   * @param day when a day of the calendar begins; null if the limits a day are those of 24 hours
   */
  public record Pooling(
      Strategy strategy,
      Affinity affinity,
      Duration maxWait,
      Duration window,
      Accounting accounting,
      double burstRatio,
      boolean enforce,
      double interactiveHeadroom,
      double standardHeadroom,
      double floor,
      @Nullable DayStart day) {

    /** The defaults if {@code pooling} is absent. */
    public static final Pooling DEFAULT =
        new Pooling(
            Strategy.LEAST_LOADED,
            Affinity.SESSION,
            Duration.ZERO,
            Duration.ofMinutes(1),
            Accounting.AUTO,
            1.0,
            true,
            0,
            0,
            0.02,
            null);
  }

  /** When a day begins, by the clocks of a zone. */
  public record DayStart(LocalTime starts, ZoneId zone) {}

  /** Who says which keys share limits. */
  public enum Accounts {
    /** The configuration alone. */
    CONFIG,
    /** Answers, too, if they name one organisation. */
    LEARNED
  }

  /** How a key is selected among those with capacity. */
  public enum Strategy {
    LEAST_LOADED,
    ROUND_ROBIN,
    RANDOM,
    WEIGHTED
  }

  /** Whether a session stays on one account, to reuse its prompt cache. */
  public enum Affinity {
    SESSION,
    NONE
  }

  /** How usage counts against the limits. */
  public enum Accounting {
    AUTO,
    SLIDING_WINDOW,
    TOKEN_BUCKET
  }

  /**
   * Models that share one quota per account.
   *
   * @param weights how their tokens count; null = as is known of the API
   */
  public record ModelClass(String name, List<ModelPattern> models, @Nullable Weights weights) {

    /** The class of models that no other class matches. */
    public static final String DEFAULT = "default";

    public ModelClass {
      models = List.copyOf(models);
    }

    ModelClass(String name, List<ModelPattern> models) {
      this(name, models, null);
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
