package relay.trial;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Enforcement;
import relay.trial.provider.ProviderSimulator.Settings;

/**
 * The numbers of a run with agents: a pool of one key for each accounting, before a provider whose
 * bucket holds the whole limit, and before one whose bucket holds a sixth. Nothing of the limits is
 * configured: the answers' headers tell them.
 *
 * @param window the limit's window: short, so that a run sees several
 * @param limit output tokens a window, of each pool
 * @param meanTokens mean output of a request
 * @param overload arrivals over what a pool can carry
 * @param before how long the load runs before it is measured, in windows: an idle {@code
 *     sliding_window} pays its first burst back
 * @param measured windows
 */
record AgentsPlan(
    Duration window, long limit, int meanTokens, double overload, int before, int measured) {
  static final double SIXTH = 1.0 / 6;
  private static final List<String> ACCOUNTINGS = List.of("sliding_window", "token_bucket");

  /** In these milliseconds of a window of a minute a mean output is made. */
  private static final int MEAN_MS = 8_000;

  /**
   * A pool: a provider of the configuration, its only model, and its only account.
   *
   * @param bucket what the provider's bucket holds, as a share of the limit
   */
  record Pool(String accounting, double bucket) {
    String name() {
      return accounting.replace('_', '-') + (bucket < 1 ? "-sixth" : "-whole");
    }

    String secret() {
      return "simulated-key-of-" + name();
    }
  }

  /** A mean output is half a percent of the limit, as in the simulations of ACCURACY.md. */
  static AgentsPlan standard() {
    return new AgentsPlan(Duration.ofSeconds(10), 60_000, 300, 1.6, 4, 3);
  }

  static List<Pool> pools() {
    List<Pool> pools = new ArrayList<>();
    for (double bucket : new double[] {1, SIXTH}) {
      ACCOUNTINGS.forEach(accounting -> pools.add(new Pool(accounting, bucket)));
    }
    return pools;
  }

  /** The provider with such buckets. */
  Settings provider(double bucket) {
    List<Account> accounts =
        pools().stream()
            .filter(pool -> pool.bucket() == bucket)
            .map(pool -> new Account(pool.name(), List.of(pool.secret()), 0, 0, limit, 0))
            .toList();
    return new Settings(accounts, window, bucket, Enforcement.TOKEN_BUCKET, 0);
  }

  double arrivalsPerSecond() {
    return overload * limit / meanTokens * 1_000 / window.toMillis();
  }

  int meanMs() {
    return (int) (MEAN_MS * window.toMillis() / 60_000);
  }

  Duration length() {
    return window.multipliedBy(before + measured);
  }

  /** A replica's configuration. */
  String yaml(
      int port, int adminPort, String apiKey, String redisUrl, String wholeUrl, String sixthUrl) {
    StringBuilder yaml = new StringBuilder(TrialConfig.head(port, adminPort, apiKey, redisUrl));
    for (Pool pool : pools()) {
      yaml.append(
          String.format(
              Locale.ROOT,
              """
                - name: %1$s
                  type: anthropic
                  base_url: %2$s
                  models: [%1$s]
                  pooling: { affinity: none, accounting: %3$s, window_ms: %4$d }
                  keys:
                    - { key: %5$s, id: %1$s }
              """,
              pool.name(),
              pool.bucket() < 1 ? sixthUrl : wholeUrl,
              pool.accounting(),
              window.toMillis(),
              pool.secret()));
    }
    return yaml.append(TrialConfig.LOGGING).toString();
  }
}
