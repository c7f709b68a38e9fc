package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.model.Dialect;
import relay.trial.load.AgentLoad;
import relay.trial.load.LoadTally;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Dimension;
import relay.trial.provider.ProviderSimulator.Enforcement;
import relay.trial.provider.ProviderSimulator.Settings;

/**
 * Agents before three replicas: streamed answers of unknown length, limits that only the answers
 * state, and providers whose buckets hold the whole limit or a sixth of it.
 */
@Tag("slow")
class AgentStreamsTest {
  private static final Duration WINDOW = Duration.ofSeconds(4);
  private static final int LIMIT = 40_000;
  private static final int MEAN = 600;
  private static final int MEAN_MS = 530; // 8 s of a minute
  private static final double OVERLOAD = 1.4;
  private static final int MOST_WINDOWS = 40;
  private static final double AIM = 0.7; // earlier rules used 5 to 42 % of the smaller buckets
  private static final List<String> POOLS =
      List.of("sliding-window", "token-bucket", "sliding-window-sixth", "token-bucket-sixth");

  @Test
  void both_accountings_use_a_whole_and_a_smaller_bucket_and_are_hardly_refused() throws Exception {
    try (ProviderSimulator whole = provider(POOLS.subList(0, 2), 1);
        ProviderSimulator sixth = provider(POOLS.subList(2, 4), 1.0 / 6);
        Replicas replicas = setup(whole, sixth).start(3);
        AgentLoad load = load(replicas)) {
      Thread.ofPlatform().start(() -> load.run(WINDOW.multipliedBy(MOST_WINDOWS)));
      long start = System.nanoTime();
      double[] best = new double[POOLS.size()];
      // The best window counts: an idle group pays its first burst back, and a stalled machine
      // sends nothing.
      for (int quarter = 8; quarter < 4 * MOST_WINDOWS && least(best) < AIM; quarter++) {
        long to = start + quarter * WINDOW.toNanos() / 4;
        Await.moment(to);
        for (int n = 0; n < best.length; n++) {
          ProviderSimulator provider = n < 2 ? whole : sixth;
          long from = to - WINDOW.toNanos();
          double used = provider.usedShare(POOLS.get(n), Dimension.OUTPUT_TOKENS, from, to);
          best[n] = Math.max(best[n], used);
        }
      }
      List<LoadTally.Counts> counts = POOLS.stream().map(load::counts).toList();
      String seen = Arrays.toString(best) + " " + whole.stats() + " " + sixth.stats() + counts;
      assertTrue(least(best) >= AIM, seen);
      assertEquals(0, counts.stream().mapToLong(LoadTally.Counts::errors).sum(), seen);
      assertTrue(whole.stats().refused() <= whole.stats().admitted() / 50, seen);
      // What was sent before the bucket was learned may be refused: some ten requests of each pool.
      assertTrue(sixth.stats().refused() <= 20 + sixth.stats().admitted() / 50, seen);
    }
  }

  private static double least(double... shares) {
    return Arrays.stream(shares).min().orElseThrow();
  }

  private static ProviderSimulator provider(List<String> accounts, double bucket) {
    List<Account> all =
        accounts.stream()
            .map(id -> new Account(id, List.of(Setup.secret(id)), 0, 0, LIMIT, 0))
            .toList();
    return ProviderSimulator.start(new Settings(all, WINDOW, bucket, Enforcement.TOKEN_BUCKET, 0));
  }

  private static Setup setup(ProviderSimulator whole, ProviderSimulator sixth) {
    Setup setup = new Setup();
    for (String pool : POOLS) {
      setup.provider(
          pool,
          Dialect.ANTHROPIC,
          (pool.endsWith("sixth") ? sixth : whole).url().toString(),
          List.of(
              "pooling: { affinity: none, accounting: %s, window_ms: %d }"
                  .formatted(pool.replace("-sixth", "").replace('-', '_'), WINDOW.toMillis())),
          List.of(Setup.key(pool)));
    }
    return setup;
  }

  private static AgentLoad load(Replicas replicas) {
    List<InetSocketAddress> addresses =
        IntStream.range(0, 3).mapToObj(n -> replicas.get(n).address()).toList();
    double perSecond = OVERLOAD * LIMIT / MEAN / WINDOW.toSeconds();
    return new AgentLoad(
        new AgentLoad.Plan(addresses, Ask.CLIENT_KEY, POOLS, perSecond, MEAN, MEAN_MS),
        new SplittableRandom(20_261_127));
  }
}
