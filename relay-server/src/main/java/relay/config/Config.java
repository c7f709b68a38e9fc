package relay.config;

import java.util.List;

/**
 * A valid, immutable configuration. Absent settings hold their defaults.
 *
 * @param providers at least one, in file order, with unique names
 */
public record Config(
    ServerConfig server,
    RedisConfig redis,
    List<ProviderConfig> providers,
    RoutingConfig routing,
    LoggingConfig logging) {

  public Config {
    providers = List.copyOf(providers);
  }

  /** The providers without {@code enabled: false}. */
  public List<ProviderConfig> enabledProviders() {
    return providers.stream().filter(ProviderConfig::enabled).toList();
  }
}
