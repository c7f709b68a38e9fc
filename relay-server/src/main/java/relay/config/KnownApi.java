package relay.config;

import java.net.URI;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import relay.config.ProviderConfig.ModelClass;
import relay.model.Counting;
import relay.model.Dialect;
import relay.model.Weights;

/**
 * What Relay knows of a provider's API, by {@code apis.yaml}: where it is, how a key is sent, and
 * which models share a quota.
 *
 * @param type the type of the providers that may have it; null of {@link #NONE}
 * @param baseUrl the default; null = the type's
 * @param hosts patterns of the hosts that have it
 * @param keyHeader sends an API key; empty = as the dialect does
 * @param underV1 whether its paths begin with {@code /v1}
 * @param countsByMinute whether a stated limit of requests is one a minute
 * @param tellsLimits whether its answers state limits
 * @param modelsAlone whether a model that is in no line has a quota of its own
 * @param lines models that share one quota
 * @param bound the part of {@code max_tokens}; null = by the dialect
 * @param weights how tokens count, by models; the first that matches; none = by the dialect
 * @param isNative whether a cloud serves Anthropic's own Messages API there
 * @param source the page that says so
 * @param read the day on which it was read
 */
public record KnownApi(
    String name,
    @Nullable ProviderType type,
    @Nullable URI baseUrl,
    List<ModelPattern> hosts,
    String keyHeader,
    Login login,
    boolean underV1,
    boolean countsByMinute,
    boolean tellsLimits,
    boolean modelsAlone,
    List<ModelClass> lines,
    Counting.@Nullable Bound bound,
    List<Weighed> weights,
    boolean isNative,
    String source,
    String read) {

  /** An API of which nothing is known. */
  public static final KnownApi NONE =
      new KnownApi(
          "none", null, null, List.of(), "", Login.KEY, true, true, true, false, List.of(), null,
          List.of(), false, "", "");

  private static final Pattern SNAPSHOT = Pattern.compile("[-@]20\\d\\d-?\\d\\d-?\\d\\d$");
  private static final Pattern FOREIGN = Pattern.compile("[^A-Za-z0-9._-]");
  private static final int MAX_NAME = 60;

  public KnownApi {
    hosts = List.copyOf(hosts);
    lines = List.copyOf(lines);
    weights = List.copyOf(weights);
  }

  /** How the tokens of some models count. */
  public record Weighed(List<ModelPattern> models, Weights weights) {
    public Weighed {
      models = List.copyOf(models);
    }

    boolean contains(String model) {
      return models.stream().anyMatch(pattern -> pattern.matches(model));
    }
  }

  /** How requests for a model count, by its name at the provider. */
  Counting counting(Dialect dialect, String model) {
    Counting own = Counting.of(dialect, model);
    if (bound == null && weights.isEmpty()) {
      return own;
    }
    Weights known =
        weights.stream()
            .filter(weighed -> weighed.contains(model))
            .map(Weighed::weights)
            .findFirst()
            .orElse(own.weights());
    return new Counting(known, bound == null ? own.bound() : bound);
  }

  /** What a key of it is. */
  public enum Login {
    KEY,
    /** A key that may be absent. */
    OPTIONAL,
    /** The key file of a Google service account. */
    GOOGLE
  }

  /** The name of a model's own quota. A dated snapshot shares the quota of its model. */
  public static String lineOf(String model) {
    String name = FOREIGN.matcher(SNAPSHOT.matcher(model).replaceFirst("")).replaceAll("_");
    String whole = name.isEmpty() || name.equals(ModelClass.DEFAULT) ? "_" + name : name;
    String brief = whole.length() > MAX_NAME ? whole.substring(0, MAX_NAME) : whole;
    return brief.startsWith(".") || brief.startsWith("-") ? "_" + brief : brief;
  }

  boolean isAt(String host) {
    return hosts.stream().anyMatch(pattern -> pattern.matches(host));
  }
}
