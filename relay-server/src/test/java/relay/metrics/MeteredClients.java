package relay.metrics;

import java.util.List;
import relay.config.Config;
import relay.pool.Configs;

/** A configuration with two clients, and what its meters show. */
final class MeteredClients {
  private static final String AUTH =
      """
      server:
        auth:
          clients:
            - {name: free, key: client-secret-1}
            - {name: team, key: client-secret-2, rpm_limit: 4, budget: [{tokens: 5, per: day}]}
      """;

  static final Config CONFIG = Configs.of(AUTH + Configs.POOLS);

  private MeteredClients() {}

  /** The lines of a metric. */
  static List<String> series(Meters meters, String name) {
    return meters
        .scrape()
        .lines()
        .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
        .toList();
  }
}
