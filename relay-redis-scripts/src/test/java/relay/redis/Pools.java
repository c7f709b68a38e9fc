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
import relay.redis.model.Accounting;
import relay.redis.model.Demand;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.RedisServers;
import relay.redis.model.Strategy;
import relay.redis.script.Candidates;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Step;

/** Pools and engines for tests. */
public final class Pools {
  public static final String CLASS = "model";

  private Pools() {}

  /** A unique name. */
  public static String name(String test) {
    return test + "-" + Long.toString(ThreadLocalRandom.current().nextLong(1L << 50), 36);
  }

  /** Waits until the pool knows this number of replicas. */
  public static void awaitReplicas(KeyPool pool, int replicas) {
    Await.until(
        replicas + " replicas are known",
        () -> {
          PoolSnapshot last = pool.latest();
          return last != null && last.replicas() == replicas;
        });
  }

  /** One key per group, all groups with the same limits. */
  public static PoolPlan plan(String name, Duration window, int groups, Limits limits) {
    return plan(name, window, keys(groups, groups, 0), limits);
  }

  /**
   * Keys that are spread over accounts: key n belongs to account n modulo {@code accounts}.
   *
   * @param most each key's {@code max_concurrent}; 0 for no limit
   */
  public static List<KeyPlan> keys(int count, int accounts, int most) {
    return IntStream.range(0, count)
        .mapToObj(n -> new KeyPlan("key" + n, "account" + n % accounts, 0, 1, most))
        .toList();
  }

  public static PoolPlan plan(String name, Duration window, List<KeyPlan> keys, Limits limits) {
    return plan(name, window, Accounting.SLIDING_WINDOW, keys, limits);
  }

  public static PoolPlan plan(
      String name, Duration window, Accounting accounting, List<KeyPlan> keys, Limits limits) {
    Map<String, Limits> all = new HashMap<>();
    keys.forEach(k -> all.put(PoolPlan.group(k.account(), CLASS), limits));
    return new PoolPlan(
        name, window, Strategy.LEAST_LOADED, accounting, 1, List.of(CLASS), keys, all);
  }

  /** One key, with a window of a minute or a bucket. */
  public static PoolPlan accounting(String name, Accounting accounting, Limits limits) {
    return plan(name, Duration.ofMinutes(1), accounting, keys(1, 1, 0), limits);
  }

  /** The same plan for demands that name their key, as clients are. */
  public static PoolPlan named(PoolPlan plan) {
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
  public static EngineOptions options(String url, String replica, Fallback fallback) {
    return options(url, replica, fallback, Duration.ofSeconds(10));
  }

  public static EngineOptions options(
      String url, String replica, Fallback fallback, Duration timeout) {
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
  public static Demand one() {
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
