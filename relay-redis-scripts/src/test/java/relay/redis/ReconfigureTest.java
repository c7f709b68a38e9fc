package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static relay.redis.PlannedFleet.HOUR;
import static relay.redis.PlannedFleet.MANY;
import static relay.redis.PlannedFleet.SOON;
import static relay.redis.PlannedFleet.group;
import static relay.redis.PlannedFleet.key;
import static relay.redis.PlannedFleet.lease;
import static relay.redis.PlannedFleet.requests;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.model.Accounting;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Demand;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot.KeyState;
import relay.redis.model.Refill;
import relay.redis.model.Remaining;
import relay.redis.model.Strategy;
import relay.redis.script.RedisKeys;

/** A pool's plan changes while it runs: what holds at once, and what survives. */
@Tag("slow")
final class ReconfigureTest {
  private final PlannedFleet fleet = new PlannedFleet();
  private final RedisEngine engine = fleet.engine("r1");

  @AfterEach
  void close() {
    fleet.close();
  }

  private static List<String> ids(KeyPool pool) {
    return pool.snapshot().join().keys().stream().map(KeyState::id).toList();
  }

  @Test
  void a_lowered_limit_holds_at_once_and_a_raised_one_too() {
    KeyPool pool = engine.pool(fleet.plan(100, "a"));
    for (int n = 0; n < 10; n++) {
      lease(pool.acquire(Pools.one())).close();
    }
    pool.reconfigure(fleet.plan(10, "a")).join();
    assertInstanceOf(Exhausted.class, pool.acquire(Pools.one()).join());
    assertEquals(10, group(pool, "a").used().requests());
    assertEquals(10, group(pool, "a").limits().requests());
    pool.reconfigure(fleet.plan(1_000, "a")).join();
    lease(pool.acquire(Pools.one())).close();
    assertEquals(11, group(pool, "a").used().requests());
  }

  @Test
  void a_request_that_waits_is_granted_when_the_limit_is_raised() throws Exception {
    KeyPool pool = engine.pool(fleet.plan(1, "a"));
    lease(pool.acquire(Pools.one())).close();
    CompletableFuture<Acquisition> waits = pool.acquire(Pools.one(), HOUR.multipliedBy(2));
    Await.until("it waits", SOON, () -> pool.waiting() == 1);
    pool.reconfigure(fleet.plan(100, "a")).join();
    assertInstanceOf(Granted.class, waits.get(SOON.toSeconds(), TimeUnit.SECONDS));
  }

  @Test
  void an_added_key_is_used_and_a_removed_one_drains_and_keeps_its_charge() {
    KeyPool pool = engine.pool(fleet.plan(100, "a"));
    Lease old = lease(pool.acquire(Pools.one()));
    pool.reconfigure(fleet.plan(100, "b")).join();
    for (int n = 0; n < 5; n++) {
      assertEquals("b", lease(pool.acquire(Pools.one())).key());
    }
    KeyState draining =
        pool.snapshot().join().keys().stream()
            .filter(k -> k.id().equals("a"))
            .findFirst()
            .orElseThrow();
    assertTrue(draining.draining());
    assertEquals(1, draining.inFlight());
    assertEquals("of-a", draining.account());
    Await.until(
        "the picture says so",
        SOON,
        () ->
            fleet
                .picture()
                .getOrDefault("a", "")
                .equals("status draining inflight 1 cooldown_ms 0 account of-a"));
    old.settle(10, 10);
    Await.until(
        "it is gone", SOON, () -> !ids(pool).contains("a") && !fleet.picture().containsKey("a"));
    Await.until(
        "its record is, too",
        SOON,
        () -> !fleet.wire().redis().hexists(fleet.keys().state, RedisKeys.bytes("k:a")));
    pool.reconfigure(fleet.plan(100, "a", "b")).join();
    assertEquals(1, group(pool, "a").used().requests());
    assertEquals(10, group(pool, "a").used().inputTokens());
    assertFalse(pool.snapshot().join().keys().stream().anyMatch(KeyState::draining));
  }

  @Test
  void cooldowns_and_quarantines_survive_a_key_that_is_away_for_a_while() {
    KeyPool pool = engine.pool(fleet.plan(100, "a", "b", "c"));
    pool.operator().cooldown("a", Duration.ofMinutes(30)).join();
    pool.operator().quarantine("b", "by hand").join();
    pool.reconfigure(fleet.plan(100, "c")).join();
    assertEquals(List.of("c"), ids(pool));
    pool.reconfigure(fleet.plan(100, "a", "b", "c")).join();
    Map<String, KeyState> keys = new HashMap<>();
    pool.snapshot().join().keys().forEach(k -> keys.put(k.id(), k));
    assertTrue(
        Objects.requireNonNull(keys.get("a")).cooldown().compareTo(Duration.ofMinutes(29)) > 0);
    assertEquals("by hand", Objects.requireNonNull(keys.get("b")).quarantine());
    for (int n = 0; n < 5; n++) {
      assertEquals("c", lease(pool.acquire(Pools.one())).key());
    }
  }

  @Test
  void a_key_that_moves_to_another_account_leaves_its_charge_in_the_old_one() {
    KeyPool pool = engine.pool(fleet.plan(100, "a", "b"));
    Lease old = lease(pool.acquire(Pools.one().on("a")));
    List<KeyPlan> moved = List.of(new KeyPlan("a", "of-b", 0, 1, 0), key("b"));
    pool.reconfigure(Pools.plan(fleet.name(), HOUR, moved, requests(100))).join();
    Lease fresh = lease(pool.acquire(Pools.one().on("a")));
    assertEquals("of-b/" + Pools.CLASS, fresh.group());
    assertEquals(1, group(pool, "b").used().requests());
    old.settle(7, 7);
    pool.reconfigure(fleet.plan(100, "a", "b")).join();
    assertEquals(7, group(pool, "a").used().inputTokens());
    assertEquals(1, pool.snapshot().join().leases());
  }

  @Test
  void learned_limits_survive() {
    KeyPool pool = engine.pool(fleet.plan(0, "a"));
    pool.observe(lease(pool.acquire(Pools.one())), requests(7), Remaining.NONE, () -> Refill.NONE);
    Await.until("it is learned", SOON, () -> group(pool, "a").limits().requests() == 7);
    pool.reconfigure(fleet.plan(5, "a", "b")).join();
    assertEquals(5, group(pool, "a").limits().requests());
    pool.reconfigure(fleet.plan(100, "a")).join();
    assertEquals(7, group(pool, "a").limits().requests());
    assertEquals(7, group(pool, "a").learned().requests());
  }

  @Test
  void requests_of_a_class_that_goes_are_served_by_another() {
    KeyPool pool = engine.pool(classes("opus", "default"));
    Lease old = lease(pool.acquire(Demand.of("opus", 1, 1)));
    pool.reconfigure(classes("haiku", "default")).join();
    assertEquals("of-a/default", lease(pool.acquire(Demand.of("opus", 1, 1))).group());
    old.settle(1, 1);
    Await.until("the old one has ended", SOON, () -> pool.snapshot().join().leases() == 1);
  }

  @Test
  void a_demand_for_a_key_that_has_gone_finds_none() {
    KeyPool pool = engine.pool(fleet.plan(100, "a", "b"));
    pool.reconfigure(fleet.plan(100, "a")).join();
    assertEquals(new NoneUsable(), pool.acquire(Pools.one().on("b")).join());
  }

  @Test
  void the_plan_of_another_pool_is_refused() {
    KeyPool pool = engine.pool(fleet.plan(100, "a"));
    PoolPlan other = Pools.plan("other", HOUR, 1, requests(1));
    assertThrows(IllegalArgumentException.class, () -> pool.reconfigure(other));
  }

  @Test
  void another_secret_ends_a_quarantine_for_refused_credentials_and_no_other() {
    KeyPool pool = engine.pool(fleet.plan(100, "a", "b", "c"));
    pool.quarantineRefused(List.of("a", "c"), "provider answered 401");
    pool.quarantine(List.of("b"), "spend limit reached");
    pool.operator().quarantine("c", "by hand").join(); // its reason outlasts the first
    pool.reconfigure(fleet.plan(100, "a", "b", "c"), Set.of("a", "b", "c")).join();
    Map<String, String> reasons = new HashMap<>();
    pool.snapshot().join().keys().forEach(k -> reasons.put(k.id(), String.valueOf(k.quarantine())));
    assertEquals(Map.of("a", "null", "b", "spend limit reached", "c", "by hand"), reasons);
  }

  @Test
  void a_replica_with_the_old_secret_does_not_take_the_key_out_of_use_again() {
    KeyPool changed = engine.pool(fleet.plan(100, "a", "b"));
    KeyPool late = fleet.engine("r2").pool(fleet.plan(100, "a", "b"));
    late.configure().join();
    engine.runs("new", Instant.now());
    changed.reconfigure(fleet.plan(100, "a", "b"), Set.of("a")).join();
    late.quarantineRefused(List.of("a"), "provider answered 401");
    late.quarantineRefused(List.of("b"), "provider answered 403"); // it was not re-keyed
    Await.until(
        "the other one is out of use",
        SOON,
        () ->
            changed.snapshot().join().keys().stream()
                .anyMatch(k -> k.id().equals("b") && k.quarantine() != null));
    assertNull(changed.snapshot().join().keys().getFirst().quarantine());
    changed.quarantineRefused(List.of("a"), "provider answered 401"); // it has the new one
    Await.until(
        "it is out of use",
        SOON,
        () -> changed.snapshot().join().keys().getFirst().quarantine() != null);
  }

  @Test
  void an_index_that_no_plan_has_is_deleted() {
    KeyPool pool = engine.pool(fleet.large(MANY));
    for (int n = 0; n < 10; n++) {
      pool.reconfigure(fleet.large(MANY, "new" + n)).join();
    }
    Await.until(
        "one index is left",
        SOON,
        () -> fleet.wire().names(fleet.keys().base() + "ready:").size() == 1);
    assertInstanceOf(Granted.class, pool.acquire(Pools.one()).join());
  }

  @Test
  void keys_removed_long_ago_leave_no_fields() {
    KeyPool pool = engine.pool(fleet.plan(100, "a"));
    for (int n = 0; n < 50; n++) {
      pool.reconfigure(fleet.plan(100, "a", "k" + n)).join();
    }
    long keys =
        fleet.wire().redis().hkeys(fleet.keys().state).stream()
            .map(ScriptConnection::text)
            .filter(field -> field.matches("[keqn]:.*"))
            .count();
    assertTrue(keys <= 4, keys + " fields of keys");
  }

  @Test
  void a_pool_that_retires_grants_nothing_and_goes_when_its_last_lease_has_ended()
      throws Exception {
    RedisEngine brisk = fleet.engine("brisk", Duration.ofMillis(400));
    KeyPool pool = brisk.pool(fleet.plan(1, "a"));
    pool.configure().join();
    AtomicLease held = new AtomicLease();
    Await.until("a grant", SOON, () -> held.take(pool));
    CompletableFuture<Acquisition> waits = pool.acquire(Pools.one(), HOUR.multipliedBy(2));
    Await.until("one waits", SOON, () -> pool.waiting() == 1);
    CompletableFuture<Void> over = pool.retire();
    assertEquals(new NoneUsable(), waits.get(10, TimeUnit.SECONDS));
    assertEquals(new NoneUsable(), pool.acquire(Pools.one()).join());
    assertEquals(new NoneUsable(), pool.pick(Pools.one()).join());
    assertFalse(over.isDone());
    held.lease().settle(5, 5);
    over.get(SOON.toSeconds(), TimeUnit.SECONDS);
    Await.until("it is forgotten", SOON, () -> brisk.find(fleet.name()).isEmpty());
    KeyPool again = brisk.pool(fleet.plan(1, "a"));
    assertEquals(5, group(again, "a").used().inputTokens());
    assertEquals(again, brisk.find(fleet.name()).orElseThrow());
  }

  @Test
  void the_picture_is_true_when_the_last_replica_has_stopped() {
    RedisEngine last = fleet.engine("r2");
    KeyPool pool = last.pool(fleet.plan(100, "a"));
    Lease running = lease(pool.acquire(Pools.one()));
    engine.pool(fleet.plan(100, "a")).configure().join();
    Await.until(
        "it shows the request",
        SOON,
        () -> fleet.picture().getOrDefault("a", "").contains("inflight 1"));
    engine.close();
    running.settle(3, 3);
    last.close();
    assertEquals("status active inflight 0 cooldown_ms 0 account of-a", fleet.picture().get("a"));
    assertEquals(
        "rpm 1/100 itpm 3/- otpm 3/- inflight 0 cooldown_ms 0", fleet.picture().get("of-a/model"));
    assertTrue(
        ScriptConnection.text(fleet.wire().redis().get(fleet.keys().summary))
            .startsWith("replicas 0 leases 0 "));
  }

  private PoolPlan classes(String... all) {
    return new PoolPlan(
        fleet.name(),
        HOUR,
        Strategy.LEAST_LOADED,
        Accounting.SLIDING_WINDOW,
        1,
        List.of(all),
        List.of(key("a")),
        Map.of());
  }

  /** The first lease that is granted. */
  private static final class AtomicLease {
    private final List<Lease> taken = new ArrayList<>();

    boolean take(KeyPool pool) {
      if (taken.isEmpty() && pool.acquire(Pools.one()).join() instanceof Granted(Lease lease)) {
        taken.add(lease);
      }
      return !taken.isEmpty();
    }

    Lease lease() {
      return taken.getFirst();
    }
  }
}
