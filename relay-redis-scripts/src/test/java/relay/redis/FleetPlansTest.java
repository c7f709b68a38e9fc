package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static relay.redis.PlannedFleet.MANY;
import static relay.redis.PlannedFleet.SOON;
import static relay.redis.PlannedFleet.group;
import static relay.redis.PlannedFleet.lease;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Demand;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot.ConfigState;
import relay.redis.model.PoolSnapshot.KeyState;

/** Replicas have different plans of one pool for a while. */
@Tag("slow")
final class FleetPlansTest {
  private final PlannedFleet fleet = new PlannedFleet();
  private final RedisEngine engine = fleet.engine("r1");

  @AfterEach
  void close() {
    fleet.close();
  }

  @Test
  void the_smaller_limit_holds_until_all_replicas_have_the_larger() {
    KeyPool first = engine.pool(fleet.plan(10, "a"));
    RedisEngine second = fleet.engine("r2");
    KeyPool other = second.pool(fleet.plan(10, "a"));
    other.configure().join();
    first.reconfigure(fleet.plan(100, "a")).join();
    assertEquals(10, group(first, "a").limits().requests());
    other.reconfigure(fleet.plan(100, "a")).join();
    assertEquals(100, group(first, "a").limits().requests());
    other.reconfigure(fleet.plan(20, "a")).join();
    assertEquals(20, group(first, "a").limits().requests());
    second.close();
    Await.until(
        "the limit of one who left no longer holds",
        SOON,
        () -> group(first, "a").limits().requests() == 100);
  }

  @Test
  void a_key_that_one_replica_alone_knows_is_used_by_it_and_does_not_drain() {
    KeyPool first = engine.pool(fleet.plan(100, "a"));
    KeyPool other = fleet.engine("r2").pool(fleet.plan(100, "a"));
    other.configure().join();
    Lease old = lease(other.acquire(Pools.one()));
    first.reconfigure(fleet.plan(100, "b")).join();
    assertEquals("a", lease(other.acquire(Pools.one())).key());
    assertEquals("b", lease(first.acquire(Pools.one())).key());
    Await.until(
        "each draws its own",
        SOON,
        () ->
            fleet.picture().getOrDefault("a", "").startsWith("status active inflight 2")
                && fleet.picture().getOrDefault("b", "").startsWith("status active inflight 1"));
    assertFalse(first.snapshot().join().keys().stream().anyMatch(KeyState::draining));
    other.reconfigure(fleet.plan(100, "b")).join();
    assertTrue(first.snapshot().join().keys().stream().anyMatch(KeyState::draining));
    old.close();
  }

  @Test
  void each_replica_shows_with_what_it_runs() {
    Instant before = Instant.ofEpochMilli(1_000_000);
    Instant after = Instant.ofEpochMilli(2_000_000);
    engine.runs("old", before);
    KeyPool pool = engine.pool(fleet.plan(100, "a"));
    RedisEngine second = fleet.engine("r2");
    second.runs("old", before.plusSeconds(5));
    KeyPool other = second.pool(fleet.plan(100, "a"));
    Await.until(
        "one configuration",
        SOON,
        () -> pool.snapshot().join().configs().equals(List.of(new ConfigState("old", before, 2))));
    second.runs("new", after);
    Await.until(
        "two of them, the newest first, though the plan is the same",
        SOON,
        () ->
            other
                .snapshot()
                .join()
                .configs()
                .equals(
                    List.of(new ConfigState("new", after, 1), new ConfigState("old", before, 1))));
  }

  @Test
  void a_key_of_a_large_pool_that_one_plan_restores_is_known_to_another() {
    KeyPool first = engine.pool(fleet.large(MANY));
    KeyPool other = fleet.engine("r2").pool(fleet.large(MANY));
    other.configure().join();
    for (PoolPlan plan : List.of(fleet.large(MANY, "new"), fleet.large(10))) {
      first.reconfigure(plan).join();
      List<String> ids = other.plan().keys().stream().map(KeyPlan::id).toList();
      other.quarantine(ids, "test");
      Await.until(
          "none is left", SOON, () -> other.acquire(Pools.one()).join() instanceof NoneUsable);
      first.operator().restore("k0").join();
      Await.until("one is", SOON, () -> isServed(other));
    }
  }

  @Test
  void a_key_of_another_replica_alone_is_restored_with_its_account() {
    KeyPool first = engine.pool(fleet.plan(100, "a"));
    KeyPool other = fleet.engine("r2").pool(fleet.plan(100, "b"));
    other.configure().join();
    other.quarantine(List.of("b"), "test");
    Await.until("it is out of use", SOON, () -> !isServed(other));
    first.operator().restore("b").join();
    assertTrue(isServed(other));
    CompletionException failure =
        assertThrows(CompletionException.class, () -> first.operator().restore("c").join());
    assertInstanceOf(NoSuchElementException.class, failure.getCause());
  }

  @Test
  void a_group_that_another_replica_opened_for_a_sub_quota_is_restored_with_its_account() {
    KeyPool first = engine.pool(fleet.plan(100, "a"));
    KeyPool other = fleet.engine("r2").pool(fleet.plan(100, "a"));
    first.configure().join();
    other.configure().join();
    Demand fast = Demand.of(other.subQuota(Pools.CLASS, "fast"), 10, 10);
    Lease lease = lease(other.acquire(fast));
    other.refused(lease, Duration.ofHours(1));
    Await.until("it cools down", SOON, () -> other.acquire(fast).join() instanceof Exhausted);
    first.operator().restore("a").join();
    assertInstanceOf(Granted.class, other.acquire(fast).join());
  }

  @Test
  void an_observer_with_another_plan_restores_a_key_for_all() {
    KeyPool pool = engine.pool(fleet.large(MANY));
    pool.quarantine(pool.plan().keys().stream().map(KeyPlan::id).toList(), "test");
    Await.until("none is left", SOON, () -> pool.acquire(Pools.one()).join() instanceof NoneUsable);
    fleet.engine("").pool(fleet.large(10)).operator().restore("k7").join();
    assertTrue(isServed(pool));
  }

  @Test
  void capacity_settled_under_one_plan_is_free_to_another_at_once() {
    KeyPool first = engine.pool(fleet.large(MANY));
    KeyPool other = fleet.engine("r2").pool(fleet.large(MANY));
    other.configure().join();
    first.reconfigure(fleet.large(MANY, "new")).join();
    // each survey of a replica reports the other's index
    Instant since = Instant.now();
    Await.until(
        "they know each other",
        SOON,
        () -> Duration.between(since, Instant.now()).toMillis() > 1_200);
    List<Lease> held = new ArrayList<>();
    for (int n = 0; n < MANY; n++) {
      held.add(lease(first.acquire(Pools.one().avoiding(Set.of("new")))));
    }
    assertInstanceOf(Exhausted.class, other.acquire(Pools.one()).join());
    held.getFirst().settle(1, 1);
    first.snapshot().join(); // sends it
    assertEquals(held.getFirst().key(), lease(other.acquire(Pools.one())).key());
  }

  private static boolean isServed(KeyPool pool) {
    if (pool.acquire(Pools.one()).join() instanceof Granted(Lease lease)) {
      lease.close();
      return true;
    }
    return false;
  }
}
