package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.KillArgs;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.model.Accounting;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.OverBudget;
import relay.redis.model.Budget;
import relay.redis.model.Demand;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;

/** What clients may spend: exact over all replicas, by the calendar of the tests. */
@Tag("slow")
public final class BudgetTest {
  private static final Budget HUNDRED =
      new Budget(Budget.Unit.USD, Budget.Per.MONTH, false, 100 * Budget.DOLLAR);

  private final FaultyRedis redis = FaultyRedis.start();
  private final List<RedisEngine> engines = new ArrayList<>();
  private final ScriptConnection wire = new ScriptConnection(redis.url());

  @AfterEach
  void close() {
    engines.forEach(RedisEngine::close);
    wire.close();
    redis.close();
  }

  private static PoolPlan plan(Budget... budgets) {
    return plan(new Limits(0, 0, 0, 0), budgets);
  }

  public static PoolPlan plan(Limits limits, Budget... budgets) {
    return new PoolPlan(
        "budgets",
        Duration.ofMinutes(1),
        Strategy.ROUND_ROBIN,
        Accounting.SLIDING_WINDOW,
        1,
        List.of(Pools.CLASS),
        List.of(
            new KeyPlan("team", "team", 1, 1, 0, true, List.of(budgets)),
            new KeyPlan("other", "other", 1, 1, 0, true, List.of(budgets))),
        Map.of("team/" + Pools.CLASS, limits),
        true);
  }

  private KeyPool replica(String name, Budget... budgets) {
    RedisEngine engine = RedisEngine.start(Pools.options(redis.url(), name, Fallback.CLOSED));
    engines.add(engine);
    Await.until("Redis is there", engine::isUp); // a busy machine takes longer than a start waits
    return engine.pool(plan(budgets));
  }

  private static Demand costing(long dollars) {
    return Demand.of(Pools.CLASS, 10, 10).on("team").costing(dollars * Budget.DOLLAR);
  }

  static long spent(KeyPool pool) {
    return pool.named().readSpent("team").join().getFirst().spent();
  }

  @Test
  void a_thousand_requests_of_three_replicas_spend_a_budget_for_a_hundred_and_no_more() {
    List<KeyPool> pools =
        List.of(replica("a", HUNDRED), replica("b", HUNDRED), replica("c", HUNDRED));
    List<CompletableFuture<Acquisition>> all = new ArrayList<>();
    for (int n = 0; n < 1_000; n++) {
      all.add(pools.get(n % 3).acquire(costing(1)));
    }
    List<Lease> granted = new ArrayList<>();
    for (int n = 0; n < 1_000; n++) {
      switch (all.get(n).join()) {
        case Granted(Lease lease) -> granted.add(lease);
        case OverBudget over -> assertEquals(HUNDRED, over.budget());
        case Acquisition other -> throw new AssertionError(other.toString());
      }
    }
    assertEquals(100, granted.size());
    assertEquals(HUNDRED.limit(), spent(pools.getFirst()));

    // a third of them never end: their replica has died, and what they reserved stays spent
    long cents = Budget.DOLLAR / 100;
    int ended = 0;
    for (Lease lease : granted.subList(0, 66)) {
      switch (ended++ % 3) {
        case 0 -> lease.settle(5, 5, 40 * cents);
        case 1 -> lease.settle(20, 20, 130 * cents); // the estimate was too low
        default -> lease.cancel();
      }
    }
    long exact = 34 * Budget.DOLLAR + 22 * 40 * cents + 22 * 130 * cents;
    await(pools.get(1), exact);
    assertEquals(
        Budget.DOLLAR * 714 / 10, exact, "34 reserved, 8.80 and 28.60 used, nothing for a cancel");
    for (int n = 0; n < 28; n++) {
      assertInstanceOf(Granted.class, pools.get(n % 3).acquire(costing(1)).join(), "request " + n);
    }
    assertInstanceOf(OverBudget.class, pools.getFirst().acquire(costing(1)).join());
    assertInstanceOf(
        Granted.class, pools.getFirst().acquire(costing(1).on("other")).join(), "of its own");
  }

  private static void await(KeyPool pool, long exact) {
    try {
      Await.until("it is settled to " + exact, () -> spent(pool) == exact);
    } catch (Exception | AssertionError e) {
      throw new AssertionError("spent " + spent(pool) + " instead of " + exact, e);
    }
  }

  @Test
  void tokens_count_as_limits_count_them() {
    Budget tokens = new Budget(Budget.Unit.TOKENS, Budget.Per.DAY, true, 100);
    KeyPool pool = replica("a", tokens);
    Demand forty = Demand.of(Pools.CLASS, 30, 10).on("team");
    Lease first = assertInstanceOf(Granted.class, pool.acquire(forty).join()).lease();
    assertInstanceOf(Granted.class, pool.acquire(forty).join());
    OverBudget over = assertInstanceOf(OverBudget.class, pool.acquire(forty).join());
    assertTrue(over.left().compareTo(Duration.ofHours(23)) > 0, over.toString());
    assertTrue(over.left().compareTo(Duration.ofHours(25)) < 0, over.toString());
    first.settle(12, 3);
    await(pool, 55);
    assertInstanceOf(Granted.class, pool.acquire(forty).join());
    assertEquals(95, spent(pool));
  }

  @Test
  void without_enforcement_a_budget_is_only_counted() {
    PoolPlan strict = plan(HUNDRED);
    List<KeyPlan> shadow = List.of(new KeyPlan("team", "team", 1, 1, 0, false, List.of(HUNDRED)));
    RedisEngine engine = RedisEngine.start(Pools.options(redis.url(), "a", Fallback.CLOSED));
    engines.add(engine);
    KeyPool pool =
        engine.pool(
            new PoolPlan(
                strict.name(),
                strict.window(),
                strict.strategy(),
                strict.accounting(),
                1,
                strict.modelClasses(),
                shadow,
                strict.limits(),
                true));
    assertInstanceOf(Granted.class, pool.acquire(costing(100)).join());
    Granted more = assertInstanceOf(Granted.class, pool.acquire(costing(1)).join());
    assertEquals(Acquisition.Reason.BUDGET, more.wouldDeny());
    assertEquals(101 * Budget.DOLLAR, spent(pool));
  }

  @Test
  void what_redis_has_lost_it_is_told_again() {
    List<KeyPool> pools = List.of(replica("a", HUNDRED), replica("b", HUNDRED));
    assertInstanceOf(Granted.class, pools.getFirst().acquire(costing(60)).join());
    pools.forEach(pool -> assertEquals(60 * Budget.DOLLAR, spent(pool)));
    wire.redis().flushall();
    assertInstanceOf(Granted.class, pools.get(1).acquire(costing(30)).join());
    pools.forEach(pool -> assertEquals(90 * Budget.DOLLAR, spent(pool), "each tells it, once"));
    assertInstanceOf(OverBudget.class, pools.getFirst().acquire(costing(20)).join());
  }

  @Test
  void what_a_failover_lost_is_charged_again_once() {
    KeyPool a = replica("a", HUNDRED);
    KeyPool b = replica("b", HUNDRED);
    granted(a, 10, 1);
    List<Dumped> before = dump();
    List<Lease> twos = granted(a, 5, 2);
    List<Lease> threes = granted(b, 5, 3);
    twos.subList(0, 2).forEach(lease -> lease.settle(10, 10, Budget.DOLLAR));
    threes.getFirst().cancel();
    await(a, 30 * Budget.DOLLAR);
    goBackTo(before);
    await(a, 30 * Budget.DOLLAR);
    await(b, 30 * Budget.DOLLAR);
    twos.subList(2, 5).forEach(lease -> lease.settle(10, 10, Budget.DOLLAR));
    await(b, 27 * Budget.DOLLAR);
    threes.subList(1, 5).forEach(Lease::cancel);
    await(b, 15 * Budget.DOLLAR);
  }

  @Test
  void what_was_spent_since_the_last_reading_is_not_lost_either() {
    KeyPool a = replica("a", HUNDRED);
    granted(a, 60, 1);
    assertEquals(60 * Budget.DOLLAR, spent(a));
    Lease ten = granted(a, 1, 10).getFirst();
    wire.redis().flushall();
    ten.settle(10, 10, 4 * Budget.DOLLAR);
    Await.until("it is spent", () -> spent(a) >= 64 * Budget.DOLLAR);
    Await.until(
        "it is settled, and the others run",
        () -> a.snapshot().join().groups().getFirst().inFlight() == 60);
    // a reading in between told of its reservation, which the settle may then precede
    assertTrue(spent(a) <= 70 * Budget.DOLLAR, spent(a) + " spent");
  }

  private static List<Lease> granted(KeyPool pool, int times, long dollars) {
    List<Lease> all = new ArrayList<>();
    for (int n = 0; n < times; n++) {
      all.add(assertInstanceOf(Granted.class, pool.acquire(costing(dollars)).join()).lease());
    }
    return all;
  }

  @SuppressWarnings("ArrayRecordComponent") // bytes of Redis
  private record Dumped(byte[] key, byte[] value) {}

  private List<Dumped> dump() {
    return wire.redis().keys("*").stream()
        .map(key -> new Dumped(key, wire.redis().dump(key)))
        .toList();
  }

  /** As a failover to a replica that was behind: the last writes are lost, and the connections. */
  private void goBackTo(List<Dumped> before) {
    wire.redis().multi();
    wire.redis().flushall();
    before.forEach(one -> wire.redis().restore(one.key(), 0, one.value()));
    wire.redis().exec();
    wire.redis().clientKill(KillArgs.Builder.typeNormal().skipme());
  }
}
