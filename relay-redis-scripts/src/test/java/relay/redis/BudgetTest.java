package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.KillArgs;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.Acquisition.Granted;
import relay.redis.Acquisition.OverBudget;

/** What clients may spend: exact over all replicas, by the calendar of the tests. */
final class BudgetTest {
  private static final Budget HUNDRED =
      new Budget(Budget.Unit.USD, Budget.Per.MONTH, false, 100 * Budget.DOLLAR);
  private static final Limits NONE = new Limits(0, 0, 0, 0);

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
    return plan(NONE, budgets);
  }

  private static PoolPlan plan(Limits limits, Budget... budgets) {
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
    return engine.pool(plan(budgets));
  }

  private static Demand costing(long dollars) {
    return Demand.of(Pools.CLASS, 10, 10).on("team").costing(dollars * Budget.DOLLAR);
  }

  private static long spent(KeyPool pool) {
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

  private static final RedisKeys NAMES = new RedisKeys("test", "budgets");
  private static final byte[][] KEYS = {
    NAMES.state, NAMES.win, NAMES.leases, NAMES.due, NAMES.later, NAMES.budgets
  };

  private void configure() {
    configure(NONE);
  }

  private void configure(Limits limits) {
    Step step = new Step.Configure(0, 7, plan(limits));
    Clock clock = new Clock(at("2026-01-01T00:00:00Z"), 0);
    wire.call(step.script(), step.keys(NAMES), step.args(clock).toArray());
  }

  private static final String DAY = "usd/day=10000000000";
  private static final String NOON = "2026-05-01T12:00:00Z";

  private static long at(String instant) {
    return Instant.parse(instant).toEpochMilli() * 1000;
  }

  /** Reserves 20 tokens and these dollars at an instant; returns the reply. */
  private List<Object> reserve(String instant, String id, String budgets, long dollars) {
    String line = "7 0 %d 30000 0 1 1 10 10 - %d".formatted(at(instant), dollars * Budget.DOLLAR);
    List<Object> reply =
        wire.call(ScriptFile.ACQUIRE_NAMED, KEYS, line, id, "team team/model", "team " + budgets);
    return reply.subList(2, 5);
  }

  private Object settle(String instant, String id, String budgets, long reserved, long used) {
    String line =
        "7 0 %d 30000 1 0 1 1 10 10 %d %d"
            .formatted(at(instant), reserved * Budget.DOLLAR, used * Budget.DOLLAR);
    return wire.call(ScriptFile.ACQUIRE_NAMED, KEYS, line, id, "team " + budgets).get(2);
  }

  private String field(String name) {
    return RedisKeys.text(wire.redis().hget(NAMES.budgets, RedisKeys.bytes("team " + name)));
  }

  @Test
  void a_month_ends_by_the_calendar_in_utc() {
    configure();
    String month = "usd/month=10000000000";
    assertEquals(1L, reserve("2028-02-29T23:59:50Z", "l1", month, 9).getFirst());
    List<Object> over = reserve("2028-02-29T23:59:51Z", "l2", month, 2);
    assertEquals(List.of(-7L, 0L, 9_000_000L), over, "nine seconds to March");
    assertEquals("9.000000000/10.000000000 2028-02:9.000000000", field("usd/month"));
    assertEquals(1L, reserve("2028-03-01T00:00:00Z", "l3", month, 2).getFirst());
    assertEquals("2.000000000/10.000000000 2028-03:2.000000000", field("usd/month"));
    // a refund of February is of no use in March; what was used beyond the reservation counts
    assertEquals(0L, settle("2028-03-01T00:00:01Z", "l1", month, 9, 4));
    assertEquals("2.000000000/10.000000000 2028-03:2.000000000", field("usd/month"));
    assertEquals(0L, settle("2028-03-01T00:00:02Z", "l3", month, 2, 5));
    assertEquals("5.000000000/10.000000000 2028-03:5.000000000", field("usd/month"));
    assertEquals(-4L, settle("2028-03-01T00:00:03Z", "l3", month, 2, 5), "once");
    assertEquals("5.000000000/10.000000000 2028-03:5.000000000", field("usd/month"));
    // the same lease once more
    assertEquals(-4L, reserve("2028-03-01T00:00:04Z", "l3", month, 2).getFirst());
    assertEquals("5.000000000/10.000000000 2028-03:5.000000000", field("usd/month"));
  }

  @Test
  void a_lease_that_a_call_ends_twice_settles_its_budget_once() {
    configure();
    String month = "usd/month=10000000000";
    assertEquals(1L, reserve("2028-03-01T00:00:00Z", "l1", month, 5).getFirst());
    long dollar = Budget.DOLLAR;
    String ends = "7 0 %d 30000 2 0 1 1 10 10 1 10 10".formatted(at("2028-03-01T00:00:01Z"));
    String line = ends + " %d %d %d %d".formatted(5 * dollar, 3 * dollar, 5 * dollar, 3 * dollar);
    String of = "team " + month;
    List<Object> reply = wire.call(ScriptFile.ACQUIRE_NAMED, KEYS, line, "l1", "l1", of, of);
    assertEquals(List.of(0L, -4L), reply.subList(2, 4));
    assertEquals("3.000000000/10.000000000 2028-03:3.000000000", field("usd/month"));
  }

  @Test
  void the_days_of_a_calendar_are_those_of_java() {
    configure();
    String day = "tokens/day=1000000";
    Instant from = Instant.parse("2026-12-30T12:00:00Z");
    for (int n = 0; n < 800; n += 13) {
      Instant time = from.plus(Duration.ofDays(n));
      assertEquals(1L, reserve(time.toString(), "d" + n, day, 0).getFirst());
      String date = time.toString().substring(0, 10);
      assertEquals("20/1000000 " + date + ":20", field("tokens/day"));
    }
  }

  @Test
  void a_rolling_day_lends_again_what_is_a_day_old() {
    configure();
    String rolling = "usd/rolling-day=10000000000";
    assertEquals(1L, reserve("2026-05-01T00:00:00Z", "r1", rolling, 6).getFirst());
    assertEquals(1L, reserve("2026-05-01T12:00:00Z", "r2", rolling, 4).getFirst());
    List<Object> over = reserve("2026-05-01T20:00:00Z", "r3", rolling, 5);
    Duration left = Duration.ofNanos((long) over.get(2) * 1000);
    // a slot is 24 minutes, and the oldest counts whole
    assertEquals(Duration.ofHours(4).plusMinutes(24), left);
    String soon = Instant.parse("2026-05-01T20:00:00Z").plus(left).minusSeconds(1).toString();
    assertEquals(-7L, reserve(soon, "r4", rolling, 5).getFirst());
    String then = Instant.parse("2026-05-01T20:00:00Z").plus(left).toString();
    assertEquals(1L, reserve(then, "r5", rolling, 6).getFirst());
    assertEquals(-7L, reserve(then, "r6", rolling, 1).getFirst());
  }

  @Test
  void a_lost_request_is_charged_once_and_not_to_a_hash_that_is_told_all() {
    configure();
    wire.redis().hset(NAMES.budgets, RedisKeys.bytes(""), RedisKeys.bytes("5"));
    assertEquals(1L, charge(NOON, "c1", DAY, "5"));
    assertEquals("1.000000000/10.000000000 2026-05-01:1.000000000", field("usd/day"));
    assertEquals(0L, charge(NOON, "c1", DAY, "5"), "once");
    assertEquals(1L, charge(NOON, "c2", DAY, "4"), "to its group");
    assertEquals("1.000000000/10.000000000 2026-05-01:1.000000000", field("usd/day"));
    assertEquals(1L, charge(NOON, "c3", DAY, "-"), "no hash has it");
    assertEquals("2.000000000/10.000000000 2026-05-01:2.000000000", field("usd/day"));
    // it runs: its end replaces what it reserved
    assertEquals(0L, settle(NOON, "c3", DAY, 1, 3));
    assertEquals("4.000000000/10.000000000 2026-05-01:4.000000000", field("usd/day"));
  }

  /** A dollar, of a request that runs. */
  private Object charge(String instant, String id, String budgets, String made) {
    Object[] args = {
      "0",
      at(instant),
      id,
      "team/model",
      "team",
      30_000,
      0,
      1,
      Budget.DOLLAR,
      "team " + budgets,
      made,
      0,
      1,
      10,
      10
    };
    return wire.call(ScriptFile.CHARGE, KEYS, args).getFirst();
  }

  @Test
  void a_request_that_is_refused_or_asked_twice_spends_nothing_more() {
    configure(new Limits(1, 0, 0, 0));
    assertEquals(1L, reserve(NOON, "r1", DAY, 1).getFirst());
    assertEquals(1L, reserve(NOON, "r1", DAY, 1).getFirst(), "it runs");
    assertEquals(0L, reserve(NOON, "r2", DAY, 1).getFirst(), "its limit is used up");
    assertEquals("1.000000000/10.000000000 2026-05-01:1.000000000", field("usd/day"));
  }

  @Test
  void a_refund_of_what_was_told_again_is_given_back() {
    configure();
    assertEquals(1L, charge(NOON, "c1", DAY, "of another hash"));
    Object[] told = {at(NOON), "team " + DAY, " 7000000000 0"};
    assertEquals(
        7 * Budget.DOLLAR,
        wire.call(ScriptFile.BUDGETS, new byte[][] {NAMES.budgets}, told).get(3));
    assertEquals(0L, settle(NOON, "c1", DAY, 6, 2));
    assertEquals(
        "3.000000000/10.000000000 2026-05-01:0.000000000 *2026-05-01:3.000000000",
        field("usd/day"));
  }

  @Test
  void one_replica_is_to_say_that_almost_all_is_spent_once_a_period() {
    configure();
    String month = "usd/month=10000000000";
    assertEquals(1L, reserve(NOON, "m1", month, 7).getFirst());
    assertEquals(List.of(7 * Budget.DOLLAR, 0L), seen(NOON, month), "not yet");
    assertEquals(1L, reserve(NOON, "m2", month, 1).getFirst());
    assertEquals(List.of(8 * Budget.DOLLAR, 1L), seen(NOON, month));
    assertEquals(List.of(8 * Budget.DOLLAR, 0L), seen(NOON, month), "another replica");
    assertEquals(List.of(8 * Budget.DOLLAR, 0L), seen(NOON, "usd/month=20000000000"), "raised");
    assertEquals("2026-05", RedisKeys.text(wire.redis().hget(NAMES.budgets, WARNED)));
    String june = "2026-06-01T12:00:00Z";
    Await.until(
        "the warning of May is gone",
        () -> {
          assertEquals(List.of(0L, 0L), seen(june, month));
          return !wire.redis().hexists(NAMES.budgets, WARNED);
        });
    assertEquals(1L, reserve(june, "m3", month, 9).getFirst());
    assertEquals(List.of(9 * Budget.DOLLAR, 1L), seen(june, month));
  }

  @Test
  void a_rolling_budget_that_stays_almost_spent_is_said_again_after_its_period() {
    configure();
    String day = "usd/rolling-day=10000000000";
    assertEquals(1L, reserve(NOON, "d1", day, 9).getFirst());
    assertEquals(List.of(9 * Budget.DOLLAR, 1L), seen(NOON, day));
    assertEquals(List.of(9 * Budget.DOLLAR, 0L), seen("2026-05-02T11:30:00Z", day));
    String after = "2026-05-02T13:00:00Z";
    assertEquals(1L, reserve(after, "d2", day, 8).getFirst());
    assertEquals(List.of(8 * Budget.DOLLAR, 1L), seen(after, day));
  }

  private static final byte[] WARNED = RedisKeys.bytes("warned team usd/month=10000000000");

  /** What a replica reads of a budget: what is spent, and whether it is to say so. */
  private List<Object> seen(String instant, String budget) {
    Object[] told = {at(instant), "team " + budget, " 0 0"};
    List<Object> reply = wire.call(ScriptFile.BUDGETS, new byte[][] {NAMES.budgets}, told);
    return List.of(reply.get(3), reply.get(5));
  }
}
