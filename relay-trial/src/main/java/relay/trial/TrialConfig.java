package relay.trial;

import java.util.Locale;
import relay.trial.provider.ProviderSimulator.Account;

/** A replica's configuration, as a user would write it. */
final class TrialConfig {
  /** The end of a configuration. */
  static final String LOGGING =
      """
      logging:
        level: warn
        format: text
      """;

  private TrialConfig() {}

  /** The text before the list of providers, for one client. */
  static String head(int port, int adminPort, String apiKey, String redisUrl) {
    return headFor(port, adminPort, oneClient(apiKey), redisUrl);
  }

  /** The clients of a configuration: one that has no name. */
  static String oneClient(String apiKey) {
    return "api_key: " + apiKey;
  }

  private static String headFor(int port, int adminPort, String clients, String redisUrl) {
    return String.format(
        Locale.ROOT,
        """
        server:
          listen: 127.0.0.1:%d
          admin_listen: 127.0.0.1:%d
          auth: { %s }
        redis:
          url: %s
          timeout_ms: 1000   # all of this shares one machine
        providers:
        """,
        port,
        adminPort,
        clients,
        redisUrl);
  }

  static String yaml(
      TrialPlan plan,
      int port,
      int adminPort,
      String clients,
      String redisUrl,
      String providerUrl) {
    StringBuilder yaml = new StringBuilder(headFor(port, adminPort, clients, redisUrl));
    yaml.append(
        String.format(
            Locale.ROOT,
            """
              - name: %s
                type: anthropic
                base_url: %s
                pooling:
                  strategy: least_loaded
                  affinity: none   # the load is of one conversation
                  window_ms: %d
                keys:
            """,
            TrialPlan.POOL,
            providerUrl,
            plan.window().toMillis()));
    for (Account account : plan.accounts()) {
      yaml.append(
          String.format(
              Locale.ROOT,
              """
                    - key: %s
                      id: %s
                      rpm_limit: %d
                      itpm_limit: %d
                      otpm_limit: %d
              """,
              account.secrets().getFirst(),
              account.id(),
              account.rpm(),
              account.itpm(),
              account.otpm()));
    }
    return yaml.append(LOGGING).toString();
  }
}
