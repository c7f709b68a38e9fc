package relay.metrics;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import relay.config.ProviderConfig;

/** Bounds the set of label values: client input must not create new series. */
final class LabelValues {
  /** A model that is not in any provider's configuration. */
  static final String OTHER = "other";

  /** No value: the request reached no provider, or got no answer. */
  static final String NONE = "none";

  private static final Set<Integer> USUAL =
      Set.of(
          200, 201, 202, 204, 304, 400, 401, 402, 403, 404, 405, 408, 409, 411, 413, 415, 422, 426,
          429, 499, 500, 501, 502, 503, 504, 529);

  private static final String[] STATUSES = new String[600];

  static {
    for (int status = 100; status < STATUSES.length; status++) {
      STATUSES[status] = USUAL.contains(status) ? Integer.toString(status) : status / 100 + "xx";
    }
  }

  private final Set<String> models;
  private final Set<String> providers;
  private final Map<String, Set<String>> keys = new HashMap<>(); // which stays as it is made

  /**
   * @param providers those of a configuration, and those of the one before, whose requests still
   *     run
   */
  LabelValues(List<ProviderConfig> providers) {
    Set<String> named = new HashSet<>();
    Set<String> names = new HashSet<>();
    for (ProviderConfig provider : providers) {
      names.add(provider.name());
      named.addAll(modelsOf(provider));
    }
    for (ProviderConfig provider : providers) {
      Set<String> ofProvider = keys.computeIfAbsent(provider.name(), _ -> new HashSet<>());
      provider.keys().forEach(key -> ofProvider.add(key.id()));
    }
    models = Set.copyOf(named);
    this.providers = Set.copyOf(names);
  }

  static Set<String> modelsOf(ProviderConfig provider) {
    Set<String> models = new HashSet<>(provider.namedModels());
    models.addAll(provider.modelMapping().values());
    return models;
  }

  boolean isModel(String model) {
    return model.equals(OTHER) || models.contains(model);
  }

  boolean isProvider(String provider) {
    return provider.equals(NONE) || providers.contains(provider);
  }

  boolean isKey(String provider, String key) {
    Set<String> ofProvider = keys.get(provider);
    return ofProvider != null && ofProvider.contains(key);
  }

  String model(String model) {
    return models.contains(model) ? model : OTHER;
  }

  String provider(String provider) {
    return providers.contains(provider) ? provider : NONE;
  }

  /** Common statuses by number, others by class. */
  static String status(int status) {
    return status >= 100 && status < STATUSES.length ? STATUSES[status] : NONE;
  }

  /** Whether an answer of this status says that a limit is exceeded. */
  static boolean isRefusal(String status) {
    return status.equals("429") || status.equals("402");
  }

  /** Whether it is a 5xx, or no answer. */
  static boolean isFailure(String status) {
    return status.compareTo("500") >= 0;
  }
}
