package relay.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;
import relay.guards.Await;
import relay.guards.RedisCluster;

/** Pools and engines for tests. */
final class Pools {
  static final String CLASS = "model";

  private Pools() {}

  /** A unique name. */
  static String name(String test) {
    return test + "-" + Long.toString(ThreadLocalRandom.current().nextLong(1L << 50), 36);
  }

  /** Waits until the pool knows this number of replicas. */
  static void awaitReplicas(KeyPool pool, int replicas) {
    Await.until(
        replicas + " replicas are known",
        () -> {
          PoolSnapshot last = pool.latest();
          return last != null && last.replicas() == replicas;
        });
  }

  /** One key per group, all groups with the same limits. */
  static PoolPlan plan(String name, Duration window, int groups, Limits limits) {
    return plan(name, window, keys(groups, groups, 0), limits);
  }

  /**
   * Keys that are spread over accounts: key n belongs to account n modulo {@code accounts}.
   *
   * @param most each key's {@code max_concurrent}; 0 for no limit
   */
  static List<KeyPlan> keys(int count, int accounts, int most) {
    return IntStream.range(0, count)
        .mapToObj(n -> new KeyPlan("key" + n, "account" + n % accounts, 0, 1, most))
        .toList();
  }

  static PoolPlan plan(String name, Duration window, List<KeyPlan> keys, Limits limits) {
    return plan(name, window, Accounting.SLIDING_WINDOW, keys, limits);
  }

  static PoolPlan plan(
      String name, Duration window, Accounting accounting, List<KeyPlan> keys, Limits limits) {
    Map<String, Limits> all = new HashMap<>();
    keys.forEach(k -> all.put(PoolPlan.group(k.account(), CLASS), limits));
    return new PoolPlan(
        name, window, Strategy.LEAST_LOADED, accounting, 1, List.of(CLASS), keys, all);
  }

  /** One key, with a window of a minute or a bucket. */
  static PoolPlan accounting(String name, Accounting accounting, Limits limits) {
    return plan(name, Duration.ofMinutes(1), accounting, keys(1, 1, 0), limits);
  }

  /** The same plan for demands that name their key, as clients are. */
  static PoolPlan named(PoolPlan plan) {
    return new PoolPlan(
        plan.name(),
        plan.window(),
        plan.strategy(),
        plan.accounting(),
        plan.burstRatio(),
        plan.modelClasses(),
        plan.keys(),
        plan.limits(),
        true);
  }

  /** With a timeout long enough for a busy machine. */
  static EngineOptions options(String url, String replica, Fallback fallback) {
    return options(url, replica, fallback, Duration.ofSeconds(10));
  }

  static EngineOptions options(String url, String replica, Fallback fallback, Duration timeout) {
    return new EngineOptions(url, "test", replica, timeout, fallback, EngineOptions.DEFAULT_LEASE)
        .among(1);
  }

  static EngineOptions options(RedisCluster cluster, Duration timeout) {
    return new EngineOptions(
        RedisServers.of("redis://" + cluster.nodes().getFirst().address()).asCluster(),
        "test",
        "r",
        timeout,
        Fallback.CLOSED,
        EngineOptions.DEFAULT_LEASE);
  }

  /** A small request. */
  static Demand one() {
    return Demand.of(CLASS, 10, 10);
  }

  /** Announces a plan whole, with the ready sets of its candidates. */
  static Step configure(PoolPlan plan, Candidates candidates, RedisKeys names, long epoch) {
    List<String> sets =
        candidates.readySets().stream()
            .map(set -> RedisKeys.text(set).substring(names.base().length()))
            .toList();
    List<Object> rows = new ArrayList<>();
    candidates
        .rowsOf(plan.keys())
        .forEach(c -> rows.addAll(List.of(c.set(), c.key().id(), c.group(), c.isLarge() ? 1 : 0)));
    return new Step.Configure(0, epoch, plan, sets, rows);
  }
}
