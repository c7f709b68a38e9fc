package relay.redis.script;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.KeyPool;
import relay.redis.PlannedFleet;
import relay.redis.Pools;
import relay.redis.RedisEngine;
import relay.redis.RedisUnderTest;
import relay.redis.model.Accounting;
import relay.redis.model.Demand;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.GroupState;
import relay.redis.model.Strategy;

/** An observer without a plan finds the pools of live replicas in Redis. */
final class StoredPoolsTest {
  private final PlannedFleet fleet = new PlannedFleet();
  private final RedisEngine observer = fleet.engine("");

  @AfterEach
  void close() {
    fleet.close();
  }

  private Optional<PoolPlan> stored() {
    return observer.storedPlan(fleet.name()).join();
  }

  @Test
  void a_plan_is_as_the_replicas_announced_it() {
    PoolPlan plan =
        new PoolPlan(
            fleet.name(),
            Duration.ofSeconds(30),
            Strategy.WEIGHTED,
            Accounting.AUTO,
            0.5,
            List.of("fast", "large"),
            List.of(
                new KeyPlan("a", "acme", 2, 3, 4),
                new KeyPlan("b", "acme", 0, 1, 0),
                new KeyPlan("c", "other/part", 0, 1, 0)),
            Map.of("acme/fast", new Limits(5, 0, 0, 0)));
    KeyPool pool = fleet.engine("r1").pool(plan);
    pool.configure().join();
    PoolPlan found = stored().orElseThrow();
    assertEquals(
        List.of("a acme", "b acme", "c other/part"),
        found.keys().stream().map(key -> key.id() + " " + key.account()).toList());
    assertEquals(Duration.ofSeconds(30), found.window());
    assertEquals(Strategy.WEIGHTED, found.strategy());
    assertEquals(Accounting.AUTO, found.accounting());
    assertEquals(List.of("fast", "large"), found.modelClasses());
    PoolSnapshot seen = observer.pool(found).snapshot().join();
    assertEquals(pool.snapshot().join().keys(), seen.keys());
    assertEquals(pool.snapshot().join().groups(), seen.groups());
  }

  @ParameterizedTest
  @ValueSource(ints = {20, 700})
  void all_keys_of_a_large_pool_are_found(int keys) {
    KeyPool pool = fleet.engine("r1").pool(fleet.large(keys, "more"));
    pool.configure().join();
    PoolPlan found = stored().orElseThrow();
    assertEquals(keys + 1, found.keys().size());
    pool.quarantine(List.of("k7"), "test");
    observer.pool(found).operator().restore("k7").join();
    assertEquals(
        Set.of(),
        pool.snapshot().join().keys().stream()
            .filter(key -> key.quarantine() != null)
            .collect(Collectors.toSet()));
  }

  @Test
  void a_sub_quota_that_a_replica_opened_is_found() {
    KeyPool pool = fleet.engine("r1").pool(fleet.plan(100, "a"));
    pool.configure().join();
    pool.acquire(Demand.of(pool.subQuota(Pools.CLASS, "fast"), 1, 1)).join();
    PoolSnapshot seen = observer.pool(stored().orElseThrow()).snapshot().join();
    assertEquals(
        List.of("of-a/" + Pools.CLASS, "of-a/" + Pools.CLASS + "+fast"),
        seen.groups().stream().map(GroupState::id).toList());
  }

  @Test
  void a_key_that_left_is_not_found() {
    KeyPool pool = fleet.engine("r1").pool(fleet.plan(100, "a", "b"));
    pool.configure().join();
    pool.reconfigure(fleet.plan(100, "b")).join();
    assertEquals(List.of("b"), stored().orElseThrow().keys().stream().map(KeyPlan::id).toList());
  }

  @Test
  void names_are_those_of_pools_under_the_prefix() throws InterruptedException {
    assertFalse(observer.storedPools().contains(fleet.name()));
    assertEquals(Optional.empty(), stored());
    fleet.engine("r1").pool(fleet.plan(100, "a")).configure().join();
    String clients = "@" + fleet.name();
    PoolPlan limits =
        Pools.named(Pools.plan(clients, Duration.ofMinutes(1), 1, new Limits(1, 0, 0, 0)));
    fleet.engine("r2").pool(limits).configure().join();
    Set<String> names = observer.storedPools();
    assertTrue(names.contains(fleet.name()));
    assertFalse(names.contains(clients));
  }

  /** To Redis's patterns it would be any prefix. */
  @Test
  void a_prefix_is_no_pattern() throws InterruptedException {
    fleet.engine("r1").pool(fleet.plan(100, "a")).configure().join();
    for (String prefix : List.of("*", "tes?", "[t]est", "tes")) {
      EngineOptions options =
          new EngineOptions(
              RedisUnderTest.url(),
              prefix,
              "",
              Duration.ofSeconds(20),
              Fallback.CLOSED,
              EngineOptions.DEFAULT_LEASE);
      try (RedisEngine other = RedisEngine.start(options)) {
        assertEquals(Set.of(), other.storedPools(), prefix);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a b", "a{b}", "none"})
  void what_is_no_pool_is_not_found(String name) {
    assertEquals(Optional.empty(), observer.storedPlan(name).join());
  }

  @Test
  void a_redis_that_does_not_answer_is_a_failure() {
    EngineOptions options =
        Pools.options("redis://127.0.0.1:1", "", Fallback.CLOSED, Duration.ofMillis(100));
    try (RedisEngine none = RedisEngine.start(options)) {
      assertThrows(RuntimeException.class, none::storedPools);
      assertThrows(RuntimeException.class, () -> none.storedPlan("x").join());
    }
  }
}
