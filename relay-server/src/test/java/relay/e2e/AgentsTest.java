package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.guards.Await;
import relay.model.Dialect;
import relay.trial.load.AgentLoad;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.AccountStats;
import relay.trial.provider.ProviderSimulator.Dimension;
import relay.trial.provider.ProviderSimulator.Enforcement;
import relay.trial.provider.ProviderSimulator.Settings;

/**
 * Agents before three replicas: streamed answers of unknown length, limits that only the answers
 * state, and a provider whose bucket holds the whole limit or a sixth of it.
 */
class AgentsTest {
  private static final Duration WINDOW = Duration.ofSeconds(4);
  private static final int LIMIT = 40_000;
  private static final int MEAN = 400;
  private static final int MEAN_MS = 530; // 8 s of a minute
  private static final double OVERLOAD = 1.6;
  private static final int MOST_WINDOWS = 8;
  private static final List<String> ACCOUNTINGS = List.of("sliding_window", "token_bucket");

  @ParameterizedTest
  @ValueSource(ints = {1, 6})
  void both_accountings_use_the_limit_and_are_hardly_refused(int part) throws Exception {
    List<Account> accounts = new ArrayList<>();
    ACCOUNTINGS.forEach(
        id -> accounts.add(new Account(id, List.of(Setup.secret(id)), 0, 0, LIMIT, 0)));
    Settings settings = new Settings(accounts, WINDOW, 1.0 / part, Enforcement.TOKEN_BUCKET, 0);
    try (ProviderSimulator provider = ProviderSimulator.start(settings);
        Replicas replicas = setup(provider).start(3);
        AgentLoad load = load(replicas)) {
      Thread sending =
          Thread.ofPlatform().start(() -> load.run(WINDOW.multipliedBy(MOST_WINDOWS + 1)));
      long start = provider.nowNanos();
      double[] best = new double[ACCOUNTINGS.size()];
      // An idle group pays its first burst back, and a stalled machine sends nothing: the best of
      // several windows counts.
      for (int n = 2; n < MOST_WINDOWS && Math.min(best[0], best[1]) < 0.85; n++) {
        long from = start + n * WINDOW.toNanos();
        long to = from + WINDOW.toNanos();
        Await.moment(System.nanoTime() + to - provider.nowNanos());
        for (int i = 0; i < best.length; i++) {
          String id = ACCOUNTINGS.get(i);
          best[i] = Math.max(best[i], provider.usedShare(id, Dimension.OUTPUT_TOKENS, from, to));
        }
      }
      load.close();
      sending.join();
      assertTrue(Math.min(best[0], best[1]) >= 0.85, "used " + List.of(best[0], best[1]));
      for (AccountStats stats : provider.stats().accounts()) {
        assertTrue(stats.refused() <= 10 + stats.admitted() / 50, stats.toString());
      }
    }
  }

  private static Setup setup(ProviderSimulator provider) {
    Setup setup = new Setup();
    for (String accounting : ACCOUNTINGS) {
      String pooling =
          "pooling: { affinity: none, accounting: %s, window_ms: %d }"
              .formatted(accounting, WINDOW.toMillis());
      setup.provider(
          accounting,
          Dialect.ANTHROPIC,
          provider.url().toString(),
          List.of(pooling),
          List.of(Setup.key(accounting)));
    }
    return setup;
  }

  private static AgentLoad load(Replicas replicas) {
    List<InetSocketAddress> addresses =
        IntStream.range(0, 3)
            .mapToObj(n -> new InetSocketAddress("127.0.0.1", replicas.port(n)))
            .toList();
    double perSecond = OVERLOAD * LIMIT / MEAN / WINDOW.toSeconds();
    return new AgentLoad(
        new AgentLoad.Plan(addresses, Ask.CLIENT_KEY, ACCOUNTINGS, perSecond, MEAN, MEAN_MS),
        new SplittableRandom(20_261_127));
  }
}
