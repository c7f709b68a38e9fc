package relay.config;

import java.net.URI;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import relay.config.ProviderConfig.ModelClass;

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
 * @param modelsAlone whether a model that is in no line has a quota of its own
 * @param lines models that share one quota
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
    boolean modelsAlone,
    List<ModelClass> lines,
    String source,
    String read) {

  /** An API of which nothing is known. */
  public static final KnownApi NONE =
      new KnownApi(
          "none", null, null, List.of(), "", Login.KEY, true, true, false, List.of(), "", "");

  private static final Pattern SNAPSHOT = Pattern.compile("[-@]20\\d\\d-?\\d\\d-?\\d\\d$");
  private static final Pattern FOREIGN = Pattern.compile("[^A-Za-z0-9._-]");
  private static final int MAX_NAME = 60;

  public KnownApi {
    hosts = List.copyOf(hosts);
    lines = List.copyOf(lines);
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
