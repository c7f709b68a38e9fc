package relay.config;

import java.util.List;

/**
 * A whole configuration, valid and immutable. Absent settings hold their defaults.
 *
 * @param providers at least one, in the order of the file, with different names
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

  /** The providers that are not switched off. */
  public List<ProviderConfig> enabledProviders() {
    return providers.stream().filter(ProviderConfig::enabled).toList();
  }
}
