package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.Acquisition.Exhausted;
import relay.redis.Acquisition.Granted;
import relay.redis.Acquisition.Impossible;
import relay.redis.Acquisition.NoneUsable;
import relay.redis.Acquisition.Reason;
import relay.redis.PoolSnapshot.ConfigState;
import relay.redis.PoolSnapshot.GroupState;
import relay.redis.PoolSnapshot.KeyState;

/** A pool's plan changes while it runs: what holds at once, and what survives. */
final class ReconfigureTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final int MANY = 20; // keys, so that Redis keeps an index

  private final String name = Pools.name("reconfigured");
  private final RedisKeys names = new RedisKeys("test", name);
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final List<RedisEngine> engines = new ArrayList<>();
  private final RedisEngine engine = engine("r1");

  @AfterEach
  void close() {
    engines.forEach(RedisEngine::close);
    wire.close();
  }

  private RedisEngine engine(String replica) {
    RedisEngine started =
        RedisEngine.start(Pools.options(RedisUnderTest.url(), replica, Fallback.CLOSED));
    engines.add(started);
    return started;
  }

  private static KeyPlan key(String id) {
    return new KeyPlan(id, "of-" + id, 0, 1, 0);
  }

  private static KeyPlan shadow(String id) {
    return new KeyPlan(id, "of-" + id, 0, 1, 0, false);
  }

  private static Limits requests(long limit) {
    return new Limits(limit, 0, 0, 0);
  }

  private PoolPlan plan(long requests, String... ids) {
    return Pools.plan(
        name, HOUR, List.of(ids).stream().map(ReconfigureTest::key).toList(), requests(requests));
  }

  private static Lease lease(CompletableFuture<Acquisition> answer) {
    return assertInstanceOf(Granted.class, answer.join()).lease();
  }

  private static GroupState group(KeyPool pool, String key) {
    return pool.snapshot().join().groups().stream()
        .filter(g -> g.account().equals("of-" + key))
        .findFirst()
        .orElseThrow();
  }

  private static List<String> ids(KeyPool pool) {
    return pool.snapshot().join().keys().stream().map(KeyState::id).toList();
  }

  private Map<String, String> picture() {
    Map<String, String> lines = new HashMap<>();
    wire.redis()
        .hgetall(names.picture)
        .forEach((k, v) -> lines.put(ScriptConnection.text(k), ScriptConnection.text(v)));
    return lines;
  }

  @Test
  void a_lowered_limit_holds_at_once_and_a_raised_one_too() {
    KeyPool pool = engine.pool(plan(100, "a"));
    for (int n = 0; n < 10; n++) {
      lease(pool.acquire(Pools.one())).close();
    }
    pool.reconfigure(plan(10, "a")).join();
    assertInstanceOf(Exhausted.class, pool.acquire(Pools.one()).join());
    assertEquals(10, group(pool, "a").used().requests());
    assertEquals(10, group(pool, "a").limits().requests());
    pool.reconfigure(plan(1_000, "a")).join();
    lease(pool.acquire(Pools.one())).close();
    assertEquals(11, group(pool, "a").used().requests());
  }

  @Test
  void a_request_that_waits_is_granted_when_the_limit_is_raised() throws Exception {
    KeyPool pool = engine.pool(plan(1, "a"));
    lease(pool.acquire(Pools.one())).close();
    CompletableFuture<Acquisition> waits = pool.acquire(Pools.one(), HOUR.multipliedBy(2));
    Await.until("it waits", SOON, () -> pool.waiting() == 1);
    pool.reconfigure(plan(100, "a")).join();
    assertInstanceOf(Granted.class, waits.get(SOON.toSeconds(), TimeUnit.SECONDS));
  }

  @Test
  void an_added_key_is_used_and_a_removed_one_drains_and_keeps_its_charge() {
    KeyPool pool = engine.pool(plan(100, "a"));
    Lease old = lease(pool.acquire(Pools.one()));
    pool.reconfigure(plan(100, "b")).join();
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
            picture()
                .getOrDefault("a", "")
                .equals("status draining inflight 1 cooldown_ms 0 account of-a"));
    old.settle(10, 10);
    Await.until("it is gone", SOON, () -> !ids(pool).contains("a") && !picture().containsKey("a"));
    Await.until(
        "its record is, too",
        SOON,
        () -> !wire.redis().hexists(names.state, RedisKeys.bytes("k:a")));
    pool.reconfigure(plan(100, "a", "b")).join();
    assertEquals(1, group(pool, "a").used().requests());
    assertEquals(10, group(pool, "a").used().inputTokens());
    assertFalse(pool.snapshot().join().keys().stream().anyMatch(KeyState::draining));
  }

  @Test
  void cooldowns_and_quarantines_survive_a_key_that_is_away_for_a_while() {
    KeyPool pool = engine.pool(plan(100, "a", "b", "c"));
    pool.operatorCooldown("a", Duration.ofMinutes(30)).join();
    pool.operatorQuarantine("b", "by hand").join();
    pool.reconfigure(plan(100, "c")).join();
    assertEquals(List.of("c"), ids(pool));
    pool.reconfigure(plan(100, "a", "b", "c")).join();
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
    KeyPool pool = engine.pool(plan(100, "a", "b"));
    Lease old = lease(pool.acquire(Pools.one().on("a")));
    List<KeyPlan> moved = List.of(new KeyPlan("a", "of-b", 0, 1, 0), key("b"));
    pool.reconfigure(Pools.plan(name, HOUR, moved, requests(100))).join();
    Lease fresh = lease(pool.acquire(Pools.one().on("a")));
    assertEquals("of-b/" + Pools.CLASS, fresh.group());
    assertEquals(1, group(pool, "b").used().requests());
    old.settle(7, 7);
    pool.reconfigure(plan(100, "a", "b")).join();
    assertEquals(7, group(pool, "a").used().inputTokens());
    assertEquals(1, pool.snapshot().join().leases());
  }

  @Test
  void learned_limits_survive() {
    KeyPool pool = engine.pool(plan(0, "a"));
    pool.observe("of-a/" + Pools.CLASS, requests(7), Remaining.NONE);
    Await.until("it is learned", SOON, () -> group(pool, "a").limits().requests() == 7);
    pool.reconfigure(plan(5, "a", "b")).join();
    assertEquals(5, group(pool, "a").limits().requests());
    pool.reconfigure(plan(100, "a")).join();
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

  private PoolPlan classes(String... all) {
    return new PoolPlan(
        name,
        HOUR,
        Strategy.LEAST_LOADED,
        Accounting.SLIDING_WINDOW,
        1,
        List.of(all),
        List.of(key("a")),
        Map.of());
  }

  @Test
  void a_demand_for_a_key_that_has_gone_finds_none() {
    KeyPool pool = engine.pool(plan(100, "a", "b"));
    pool.reconfigure(plan(100, "a")).join();
    assertEquals(new NoneUsable(), pool.acquire(Pools.one().on("b")).join());
  }

  @Test
  void the_plan_of_another_pool_is_refused() {
    KeyPool pool = engine.pool(plan(100, "a"));
    PoolPlan other = Pools.plan("other", HOUR, 1, requests(1));
    assertThrows(IllegalArgumentException.class, () -> pool.reconfigure(other));
  }

  @Test
  void another_secret_ends_a_quarantine_for_refused_credentials_and_no_other() {
    KeyPool pool = engine.pool(plan(100, "a", "b", "c"));
    pool.quarantineRefused(List.of("a", "c"), "provider answered 401");
    pool.quarantine(List.of("b"), "spend limit reached");
    pool.operatorQuarantine("c", "by hand").join(); // its reason outlasts the first
    pool.reconfigure(plan(100, "a", "b", "c"), Set.of("a", "b", "c")).join();
    Map<String, String> reasons = new HashMap<>();
    pool.snapshot().join().keys().forEach(k -> reasons.put(k.id(), String.valueOf(k.quarantine())));
    assertEquals(Map.of("a", "null", "b", "spend limit reached", "c", "by hand"), reasons);
  }

  @Test
  void a_replica_with_the_old_secret_does_not_take_the_key_out_of_use_again() {
    KeyPool changed = engine.pool(plan(100, "a", "b"));
    KeyPool late = engine("r2").pool(plan(100, "a", "b"));
    late.configure().join();
    engine.runs("new", Instant.now());
    changed.reconfigure(plan(100, "a", "b"), Set.of("a")).join();
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
  void the_smaller_limit_holds_until_all_replicas_have_the_larger() {
    KeyPool first = engine.pool(plan(10, "a"));
    RedisEngine second = engine("r2");
    KeyPool other = second.pool(plan(10, "a"));
    other.configure().join();
    first.reconfigure(plan(100, "a")).join();
    assertEquals(10, group(first, "a").limits().requests());
    other.reconfigure(plan(100, "a")).join();
    assertEquals(100, group(first, "a").limits().requests());
    other.reconfigure(plan(20, "a")).join();
    assertEquals(20, group(first, "a").limits().requests());
    second.close();
    Await.until(
        "the limit of one who left no longer holds",
        SOON,
        () -> group(first, "a").limits().requests() == 100);
  }

  @Test
  void a_key_that_one_replica_alone_knows_is_used_by_it_and_does_not_drain() {
    KeyPool first = engine.pool(plan(100, "a"));
    KeyPool other = engine("r2").pool(plan(100, "a"));
    other.configure().join();
    Lease old = lease(other.acquire(Pools.one()));
    first.reconfigure(plan(100, "b")).join();
    assertEquals("a", lease(other.acquire(Pools.one())).key());
    assertEquals("b", lease(first.acquire(Pools.one())).key());
    Await.until(
        "each draws its own",
        SOON,
        () ->
            picture().getOrDefault("a", "").startsWith("status active inflight 2")
                && picture().getOrDefault("b", "").startsWith("status active inflight 1"));
    assertFalse(first.snapshot().join().keys().stream().anyMatch(KeyState::draining));
    other.reconfigure(plan(100, "b")).join();
    assertTrue(first.snapshot().join().keys().stream().anyMatch(KeyState::draining));
    old.close();
  }

  @Test
  void each_replica_shows_with_what_it_runs() {
    Instant before = Instant.ofEpochMilli(1_000_000);
    Instant after = Instant.ofEpochMilli(2_000_000);
    engine.runs("old", before);
    KeyPool pool = engine.pool(plan(100, "a"));
    RedisEngine second = engine("r2");
    second.runs("old", before.plusSeconds(5));
    KeyPool other = second.pool(plan(100, "a"));
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

  /** Of a large pool, whose keys are in an index. */
  private PoolPlan large(int keys, String... more) {
    List<KeyPlan> all =
        new ArrayList<>(
            IntStream.range(0, keys)
                .mapToObj(n -> new KeyPlan("k" + n, "a" + n, 0, 1, 1))
                .toList());
    List.of(more).forEach(id -> all.add(key(id)));
    return Pools.plan(name, HOUR, all, requests(1_000));
  }

  @Test
  void a_key_of_a_large_pool_that_one_plan_restores_is_known_to_another() {
    KeyPool first = engine.pool(large(MANY));
    KeyPool other = engine("r2").pool(large(MANY));
    other.configure().join();
    for (PoolPlan plan : List.of(large(MANY, "new"), large(10))) {
      first.reconfigure(plan).join();
      List<String> ids = other.plan().keys().stream().map(KeyPlan::id).toList();
      other.quarantine(ids, "test");
      Await.until(
          "none is left", SOON, () -> other.acquire(Pools.one()).join() instanceof NoneUsable);
      first.restore("k0").join();
      Await.until("one is", SOON, () -> isServed(other));
    }
  }

  @Test
  void an_observer_with_another_plan_restores_a_key_for_all() {
    KeyPool pool = engine.pool(large(MANY));
    pool.quarantine(pool.plan().keys().stream().map(KeyPlan::id).toList(), "test");
    Await.until("none is left", SOON, () -> pool.acquire(Pools.one()).join() instanceof NoneUsable);
    engine("").pool(large(10)).restore("k7").join();
    assertTrue(isServed(pool));
  }

  private static boolean isServed(KeyPool pool) {
    if (pool.acquire(Pools.one()).join() instanceof Granted(Lease lease)) {
      lease.close();
      return true;
    }
    return false;
  }

  @Test
  void what_one_plan_settles_is_free_to_another_at_once() {
    KeyPool first = engine.pool(large(MANY));
    KeyPool other = engine("r2").pool(large(MANY));
    other.configure().join();
    first.reconfigure(large(MANY, "new")).join();
    // both have learned of the other's index when each has looked at the pool once more
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

  @Test
  void an_index_that_no_plan_has_is_deleted() {
    KeyPool pool = engine.pool(large(MANY));
    for (int n = 0; n < 10; n++) {
      pool.reconfigure(large(MANY, "new" + n)).join();
    }
    Await.until("one index is left", SOON, () -> wire.names(names.base() + "ready:").size() == 1);
    assertInstanceOf(Granted.class, pool.acquire(Pools.one()).join());
  }

  @Test
  void what_left_the_plan_long_ago_leaves_nothing_behind() {
    KeyPool pool = engine.pool(plan(100, "a"));
    for (int n = 0; n < 50; n++) {
      pool.reconfigure(plan(100, "a", "k" + n)).join();
    }
    long keys =
        wire.redis().hkeys(names.state).stream()
            .map(ScriptConnection::text)
            .filter(field -> field.matches("[keqn]:.*"))
            .count();
    assertTrue(keys <= 4, keys + " fields of keys");
  }

  @Test
  void a_pool_that_retires_grants_nothing_and_goes_when_its_last_lease_has_ended()
      throws Exception {
    RedisEngine brisk =
        RedisEngine.start(
            Pools.options(RedisUnderTest.url(), "brisk", Fallback.CLOSED, Duration.ofMillis(400)));
    engines.add(brisk);
    KeyPool pool = brisk.pool(plan(1, "a"));
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
    Await.until("it is forgotten", SOON, () -> brisk.find(name).isEmpty());
    KeyPool again = brisk.pool(plan(1, "a"));
    assertEquals(5, group(again, "a").used().inputTokens());
    assertEquals(again, brisk.find(name).orElseThrow());
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

  @Test
  void the_picture_is_true_when_the_last_replica_has_stopped() {
    RedisEngine last = engine("r2");
    KeyPool pool = last.pool(plan(100, "a"));
    Lease running = lease(pool.acquire(Pools.one()));
    engine.pool(plan(100, "a")).configure().join();
    Await.until(
        "it shows the request", SOON, () -> picture().getOrDefault("a", "").contains("inflight 1"));
    engine.close();
    running.settle(3, 3);
    last.close();
    assertEquals("status active inflight 0 cooldown_ms 0 account of-a", picture().get("a"));
    assertEquals(
        "rpm 1/100 itpm 3/- otpm 3/- inflight 0 cooldown_ms 0", picture().get("of-a/model"));
    assertTrue(
        ScriptConnection.text(wire.redis().get(names.summary)).startsWith("replicas 0 leases 0 "));
  }

  @Test
  void in_shadow_mode_nothing_is_refused_and_each_answer_says_what_would_have_been() {
    KeyPool pool =
        engine.pool(Pools.plan(name, HOUR, List.of(shadow("a"), shadow("b")), requests(4)));
    int refused = 0;
    for (int n = 0; n < 30; n++) {
      Granted granted = assertInstanceOf(Granted.class, pool.acquire(Pools.one()).join());
      refused += granted.wouldDeny() == Reason.REQUESTS ? 1 : 0;
    }
    assertEquals(26, refused); // half of each limit goes at once
    assertEquals(30, group(pool, "a").used().requests() + group(pool, "b").used().requests());
    pool.reconfigure(plan(4, "a", "b")).join();
    Exhausted enforced = assertInstanceOf(Exhausted.class, pool.acquire(Pools.one()).join());
    // a window, and not as many windows as limits were used
    assertTrue(enforced.retryAfter().compareTo(HOUR.plusMinutes(10)) < 0, enforced.toString());
  }

  @Test
  void shadow_mode_passes_what_is_too_large_or_cooling_but_uses_no_key_in_quarantine() {
    Limits small = new Limits(0, 100, 0, 0);
    KeyPool pool = engine.pool(Pools.plan(name, HOUR, List.of(shadow("a")), small));
    Demand large = Demand.of(Pools.CLASS, 1_000, 0);
    assertEquals(Reason.INPUT_TOKENS, ((Granted) pool.acquire(large).join()).wouldDeny());
    pool.operatorCooldown("a", HOUR).join();
    assertEquals(
        Reason.COOLDOWN, ((Granted) pool.acquire(Demand.of(Pools.CLASS, 0, 0)).join()).wouldDeny());
    pool.operatorQuarantine("a", "test").join();
    assertEquals(new NoneUsable(), pool.acquire(large).join());
    assertEquals(1_000, group(pool, "a").used().inputTokens());
  }

  @Test
  void one_key_may_be_in_shadow_mode_beside_others() {
    KeyPool pool = engine.pool(Pools.plan(name, HOUR, List.of(shadow("a"), key("b")), requests(1)));
    for (int n = 0; n < 3; n++) {
      Granted granted = (Granted) pool.acquire(Pools.one().on("a")).join();
      assertEquals(n == 0, granted.wouldDeny() == null);
    }
    lease(pool.acquire(Pools.one().on("b"))).close();
    assertInstanceOf(Exhausted.class, pool.acquire(Pools.one().on("b")).join());
  }

  @Test
  void a_large_pool_has_a_shadow_mode_too() {
    List<KeyPlan> keys = IntStream.range(0, MANY).mapToObj(n -> shadow("k" + n)).toList();
    KeyPool pool = engine.pool(Pools.plan(name, HOUR, keys, new Limits(1, 100, 0, 0)));
    int refused = 0;
    for (int n = 0; n < 3 * MANY; n++) {
      refused += ((Granted) pool.acquire(Pools.one()).join()).wouldDeny() == null ? 0 : 1;
    }
    assertEquals(2 * MANY, refused);
    Demand large = Demand.of(Pools.CLASS, 1_000, 0);
    assertInstanceOf(Granted.class, pool.acquire(large).join());
    List<KeyPlan> enforced = IntStream.range(0, MANY).mapToObj(n -> key("k" + n)).toList();
    pool.reconfigure(Pools.plan(name, HOUR, enforced, new Limits(1, 100, 0, 0))).join();
    assertInstanceOf(Exhausted.class, pool.acquire(Pools.one()).join());
    assertInstanceOf(Impossible.class, pool.acquire(large).join());
  }
}
