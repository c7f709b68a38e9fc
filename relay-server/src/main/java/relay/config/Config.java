package relay.config;

import java.util.List;

/**
 * A valid, immutable configuration. Absent settings hold their defaults.
 *
 * @param providers at least one, in file order, with unique names
 * @param prices of models; the first that matches holds
 */
public record Config(
    ServerConfig server,
    RedisConfig redis,
    List<ProviderConfig> providers,
    RoutingConfig routing,
    List<PriceConfig> prices,
    LoggingConfig logging) {

  public Config {
    providers = List.copyOf(providers);
    prices = List.copyOf(prices);
  }

  /**
   * This configuration as a process can take it that was started with another: what holds from
   * start to end is the other's. That is {@code server.listen}, {@code server.admin_listen}, {@code
   * server.enable_http2}, whether there is {@code server.tls}, and all of {@code redis}.
   */
  public Config startedAs(Config running) {
    return new Config(
        server.startedAs(running.server), running.redis, providers, routing, prices, logging);
  }

  /** The providers without {@code enabled: false}. */
  public List<ProviderConfig> enabledProviders() {
    return providers.stream().filter(ProviderConfig::enabled).toList();
  }
}
