package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.OverBudget;
import relay.redis.model.Budget;
import relay.redis.model.Demand;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.Lease.Made;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.script.BudgetLines;
import relay.redis.script.ScriptCaller;

/** What running requests have made counts in their clients' budgets and limits. */
@Tag("slow")
final class MadeReportsTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final Limits NONE = new Limits(0, 0, 0, 0);

  private final FaultyRedis redis = FaultyRedis.start();
  private final List<RedisEngine> engines = new ArrayList<>();

  @AfterEach
  void close() {
    engines.forEach(RedisEngine::close);
    redis.close();
  }

  private KeyPool replica(String name, Limits limits, Budget... budgets) {
    RedisEngine engine = RedisEngine.start(Pools.options(redis.url(), name, Fallback.CLOSED));
    engines.add(engine);
    return engine.pool(BudgetTest.plan(limits, budgets));
  }

  private static Budget tokens(long limit, boolean hard) {
    return new Budget(Budget.Unit.TOKENS, Budget.Per.DAY, false, limit, hard);
  }

  private static Demand asking() {
    return Demand.of(Pools.CLASS, 10, 90).on("team");
  }

  private static void awaitSpent(KeyPool pool, long exact) {
    Await.until("spent " + exact, SOON, () -> BudgetTest.spent(pool) == exact);
  }

  @Test
  void nothing_is_admitted_on_what_running_requests_have_made() {
    KeyPool pool = replica("a", NONE, tokens(20_000, false));
    KeyPool other = replica("b", NONE, tokens(20_000, false));
    List<Lease> streams = new ArrayList<>();
    AtomicLong made = new AtomicLong(50);
    for (int n = 0; n < 100; n++) {
      Lease lease = PlannedFleet.lease(pool.acquire(asking()));
      lease.reportsMade(
          () -> new Made(made.get(), 0), () -> streams.forEach(Lease::cancel)); // never
      streams.add(lease);
    }
    assertInstanceOf(Granted.class, other.acquire(asking()).join()); // 10,100 of 20,000
    made.set(500);
    awaitSpent(other, 100 * 510 + 100);
    assertInstanceOf(OverBudget.class, other.acquire(asking()).join());
    streams.forEach(lease -> lease.settle(10, 480));
    awaitSpent(other, 100 * 490 + 100);
  }

  @Test
  void the_report_that_finds_a_hard_budget_spent_ends_what_goes_beyond_its_reservation() {
    KeyPool pool = replica("a", NONE, tokens(1_000, true));
    AtomicLong made = new AtomicLong();
    AtomicInteger ended = new AtomicInteger();
    AtomicInteger modest = new AtomicInteger();
    Lease large = PlannedFleet.lease(pool.acquire(asking()));
    large.reportsMade(() -> new Made(made.get(), 0), ended::getAndIncrement);
    Lease small = PlannedFleet.lease(pool.acquire(asking()));
    small.reportsMade(() -> new Made(90, 0), modest::getAndIncrement);
    made.set(900); // 1,010 with both inputs and what the other has reserved
    Await.until("it is to end", SOON, () -> ended.get() > 0);
    assertEquals(0, modest.get());
    large.settle(10, 900);
    small.settle(10, 90);
    awaitSpent(pool, 1_010);
  }

  @Test
  void dollars_count_beyond_what_was_reserved_and_settle_exactly() {
    Budget month = new Budget(Budget.Unit.USD, Budget.Per.MONTH, false, 10 * Budget.DOLLAR, true);
    KeyPool pool = replica("a", NONE, month);
    AtomicInteger ended = new AtomicInteger();
    AtomicLong cost = new AtomicLong(Budget.DOLLAR / 2);
    Lease lease = PlannedFleet.lease(pool.acquire(asking().costing(Budget.DOLLAR)));
    lease.reportsMade(() -> new Made(5, cost.get()), ended::getAndIncrement);
    cost.set(4 * Budget.DOLLAR);
    awaitSpent(pool, 4 * Budget.DOLLAR);
    assertEquals(0, ended.get());
    cost.set(11 * Budget.DOLLAR);
    Await.until("it is to end", SOON, () -> ended.get() > 0);
    lease.settle(10, 5, 3 * Budget.DOLLAR);
    awaitSpent(pool, 3 * Budget.DOLLAR);
  }

  @Test
  void what_is_made_counts_in_the_limits_of_its_client() {
    KeyPool pool = replica("a", new Limits(0, 0, 1_000, 0));
    Lease lease = PlannedFleet.lease(pool.acquire(asking()));
    lease.reportsMade(() -> new Made(950, 0), () -> {});
    Await.until(
        "it counts",
        SOON,
        () -> pool.snapshot().join().groups().getFirst().used().outputTokens() == 950);
    assertTrue(pool.acquire(asking()).join() instanceof Exhausted);
    lease.settle(10, 400);
    Await.until(
        "it is settled",
        SOON,
        () -> pool.snapshot().join().groups().getFirst().used().outputTokens() == 400);
  }

  @Test
  void a_client_in_shadow_mode_is_never_ended() {
    Budget hard = tokens(100, true);
    PoolPlan plan = BudgetTest.plan(NONE, hard);
    List<KeyPlan> shadow = List.of(new KeyPlan("team", "team", 1, 1, 0, false, List.of(hard)));
    BudgetLines lines =
        BudgetLines.of(
            new PoolPlan(
                plan.name(),
                plan.window(),
                plan.strategy(),
                plan.accounting(),
                1,
                plan.modelClasses(),
                shadow,
                plan.limits(),
                true));
    assertEquals("team tokens/day=100", ScriptCaller.text(lines.line("team")));
    assertEquals("team tokens/day=100!", ScriptCaller.text(BudgetLines.of(plan).line("team")));
  }
}
