package relay.trial;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.workers.Manner;

/**
 * The numbers of a run with workers.
 *
 * @param load the limits of the only account, the proxy's load, and what is measured
 * @param workers processes, of each manner as many
 * @param killed how many of them die
 * @param refused how many of the others get a 429 of the provider that it was ordered to give
 * @param ttl of leases that are not to die
 */
record WorkersPlan(TrialPlan load, int workers, int killed, int refused, Duration ttl) {
  static final String WORKERS_KEY = "trial-workers-key";
  private static final String ACCOUNT = "acme";

  /**
   * Requests bind, and the proxy alone offers what the account can carry. Workers take what they
   * get.
   */
  static WorkersPlan standard(int workers) {
    return new WorkersPlan(
        of(Duration.ofSeconds(5), 1_500, 2, 3),
        workers,
        workers / 4,
        workers / 4,
        Duration.ofSeconds(5));
  }

  static TrialPlan of(Duration window, long rpm, int afterFull, int measured) {
    Account account =
        new Account(ACCOUNT, List.of("simulated-key-of-" + ACCOUNT), rpm, 370 * rpm, 55 * rpm, 0);
    return new TrialPlan(window, List.of(account), 1, 1, 300, 40, 0, afterFull, measured);
  }

  Account account() {
    return load.accounts().getFirst();
  }

  /** The keys' secrets, as the workers have them. */
  Map<String, String> secrets() {
    return Map.of(account().id(), account().secrets().getFirst());
  }

  /** The manner of each worker. */
  List<Manner> manners() {
    Manner[] all = Manner.values();
    return IntStream.range(0, workers).mapToObj(n -> all[n % all.length]).toList();
  }

  /** A replica's configuration. */
  String yaml(int port, int adminPort, String proxyKey, String redisUrl, String providerUrl) {
    String clients =
        "clients: [{ name: proxy, key: %s }, { name: workers, key: %s, leases: true }]"
            .formatted(proxyKey, WORKERS_KEY);
    return TrialConfig.yaml(load, port, adminPort, clients, redisUrl, providerUrl);
  }
}
