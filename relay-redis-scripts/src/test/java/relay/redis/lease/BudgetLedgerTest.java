package relay.redis.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.FaultyRedis;
import relay.redis.PoolParts;
import relay.redis.Pools;
import relay.redis.ScriptConnection;
import relay.redis.library.ScriptFile;
import relay.redis.link.RedisLink;
import relay.redis.model.Accounting;
import relay.redis.model.Acquisition;
import relay.redis.model.Budget;
import relay.redis.model.Demand;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;
import relay.redis.script.PoolScripts;
import relay.redis.script.ScriptCaller;

/** Which budgets a replica reads, and when. */
@Tag("slow")
final class BudgetLedgerTest {
  private static final int KEYS = 500;
  private static final int CALLS = 2; // for 200 keys
  private static final Budget BUDGET =
      new Budget(Budget.Unit.TOKENS, Budget.Per.MONTH, false, 1_000);

  private final FaultyRedis redis = FaultyRedis.start();
  private static final Budget DOLLARS =
      new Budget(Budget.Unit.USD, Budget.Per.MONTH, false, 100 * Budget.DOLLAR);
  private final AtomicLong nanos = new AtomicLong(1);
  private Runnable onClock = () -> {}; // once, when the ledger looks at the clock
  private final PoolParts parts = new PoolParts(redis.url(), plan(BUDGET), this::now);
  private final RedisLink link = parts.link;
  private final PoolScripts scripts = parts.scripts;
  private final BudgetLedger ledger = parts.ledger;
  private final ScriptConnection wire = new ScriptConnection(redis.url());

  private static PoolPlan plan(Budget... budgets) {
    return new PoolPlan(
        "many",
        Duration.ofMinutes(1),
        Strategy.ROUND_ROBIN,
        Accounting.SLIDING_WINDOW,
        1,
        List.of(Pools.CLASS),
        IntStream.range(0, KEYS)
            .mapToObj(n -> new KeyPlan("k" + n, "k" + n, 1, 1, 0, true, List.of(budgets)))
            .toList(),
        Map.of(),
        true);
  }

  private long now() {
    Runnable then = onClock;
    onClock = () -> {};
    then.run();
    return nanos.get();
  }

  @BeforeEach
  void connect() {
    parts.start();
  }

  @AfterEach
  void disconnect() {
    parts.close();
    wire.close();
    redis.close();
  }

  /** Two seconds pass. Returns the calls that Redis got. */
  private long reading() {
    wire.redis().configResetstat();
    for (int n = 0; n < 4; n++) {
      ledger.tick();
    }
    Await.until("it has read", ledger::isQuiet);
    String calls = wire.info("commandstats", "cmdstat_fcall");
    return Long.parseLong(calls.replaceAll("^calls=(\\d+),.*$", "$1"));
  }

  /** Another replica spends five tokens of a key's budget. */
  private void spend(String key) {
    spend(key, " 0 5");
  }

  private void spend(String key, String amounts) {
    byte[][] keys = {scripts.candidates().budgetsKey()};
    String line = ScriptCaller.text(scripts.candidates().budgets().line(key));
    wire.call(ScriptFile.BUDGETS, keys, "-", line, amounts);
  }

  private long spent(int key) {
    return ledger.spent("k" + key).getFirst().spent();
  }

  @Test
  void of_many_those_in_use_are_read_at_once_and_the_others_by_turns() {
    List.of("k1", "k300", "k480", "k481").forEach(this::spend);
    assertEquals(CALLS, reading());
    assertEquals(List.of(5L, 0L), List.of(spent(1), spent(300)));
    ledger.uses("k480");
    ledger.uses("another");
    assertEquals(CALLS + 1, reading());
    assertEquals(List.of(5L, 5L, 0L), List.of(spent(300), spent(480), spent(481)));
    assertEquals(CALLS, reading());
    assertEquals(5, spent(481));
    spend("k120"); // the last reading began anew with 100 keys
    assertEquals(CALLS, reading());
    assertEquals(5, spent(120));
  }

  @Test
  void what_was_spent_in_a_period_that_is_over_is_neither_told_nor_refused() {
    spend("k1");
    reading();
    Duration left = ledger.spent("k1").getFirst().left();
    nanos.addAndGet(left.toNanos() / 2);
    assertTrue(isOver("k1", 996));
    assertEquals(
        new Budget.Spent(BUDGET, 5, left.minusNanos(left.toNanos() / 2)),
        ledger.spent("k1").getFirst());
    nanos.addAndGet(left.toNanos());
    assertFalse(isOver("k1", 996));
    wire.redis().flushall(); // and the hash that takes its place is of the next period
    reading();
    assertEquals(0, spent(1));
  }

  /** A request that was granted without Redis ends, and used this. */
  private void pass(String key, int tokens, long nanodollars) {
    String group = PoolPlan.group(key, Pools.CLASS);
    Lease.End passed = (lease, cost, billionths) -> ledger.passed(lease, billionths);
    new Lease(passed, "l", key, group, tokens, 0, 0, 0, 0, null).settle(tokens, 0, nanodollars);
  }

  private boolean isOver(String key, int tokens) {
    return ledger.refusal(Demand.of(Pools.CLASS, tokens, 0).on(key)) != null;
  }

  @Test
  void what_was_let_pass_without_redis_is_told_with_the_next_reading() {
    reading();
    pass("k450", 7, 0);
    reading();
    assertEquals(7, spent(450));
  }

  @Test
  void what_is_let_pass_while_a_reading_fails_does_not_replace_what_was_before() {
    reading();
    redis.kill();
    Await.until("it is gone", () -> !link.isUp());
    pass("k1", 7, 0);
    onClock = () -> onClock = () -> pass("k1", 5, 0); // it begins, then it has taken the 7
    assertThrows(CompletionException.class, () -> ledger.read(List.of("k1")).join());
    assertTrue(isOver("k1", 989));
    assertFalse(isOver("k1", 988));
  }

  @Test
  void what_was_let_pass_belongs_to_its_budget_in_whatever_order() {
    scripts.plans().reconfigure(plan(BUDGET, DOLLARS)).join();
    pass("k1", 7, Budget.DOLLAR);
    scripts.plans().reconfigure(plan(DOLLARS, BUDGET)).join();
    reading();
    List<Budget.Spent> both = ledger.spent("k1");
    assertEquals(List.of(Budget.DOLLAR, 7L), both.stream().map(Budget.Spent::spent).toList());
  }

  @Test
  void what_was_let_pass_in_a_period_that_is_over_is_neither_told_nor_refused() {
    reading();
    pass("k1", 7, 0);
    assertTrue(isOver("k1", 1_000));
    nanos.addAndGet(ledger.spent("k1").getFirst().left().toNanos());
    assertFalse(isOver("k1", 1_000));
    pass("k1", 5, 0);
    reading();
    assertEquals(5, spent(1));
  }

  @Test
  void without_redis_too_the_budget_that_opens_last_refuses() {
    Budget day = new Budget(Budget.Unit.TOKENS, Budget.Per.DAY, true, 1_000);
    scripts.plans().reconfigure(plan(day, BUDGET)).join();
    reading();
    Duration left = ledger.spent("k1").getLast().left();
    Demand more = Demand.of(Pools.CLASS, 1_001, 0).on("k1");
    assertEquals(new Acquisition.OverBudget(BUDGET, left), ledger.refusal(more));
  }

  @Test
  void what_was_let_pass_is_kept_while_redis_has_no_memory() {
    reading();
    pass("k1", 7, 0);
    wire.redis().configSet("maxmemory", "1");
    assertRefused("OOM ");
    assertTrue(isOver("k1", 994));
    wire.redis().configSet("maxmemory", "0");
    reading();
    assertEquals(7, spent(1));
  }

  /** The script's last command besides the one that counts. */
  @Test
  void what_was_let_pass_is_kept_and_counts_once_if_the_user_lacks_a_right() {
    reading();
    pass("k1", 7, 0);
    wire.setUser("default", "-hrandfield");
    assertRefused("script");
    assertRefused("script");
    wire.setUser("default", "+hrandfield");
    reading();
    assertEquals(7, spent(1));
  }

  private void assertRefused(String why) {
    CompletionException failure =
        assertThrows(CompletionException.class, () -> ledger.read(List.of("k1")).join());
    assertTrue(String.valueOf(failure.getMessage()).contains(why), failure::getMessage);
  }

  @Test
  void what_is_spent_is_known_after_a_change_of_the_limits() {
    scripts.plans().reconfigure(plan(BUDGET, DOLLARS)).join();
    spend("k1", " 0 5 0 " + Budget.DOLLAR);
    reading();
    Budget.Spent tokens = ledger.spent("k1").getFirst();
    Budget smaller = new Budget(Budget.Unit.TOKENS, Budget.Per.MONTH, false, 100);
    Budget other = new Budget(Budget.Unit.TOKENS, Budget.Per.DAY, true, 100);
    scripts.plans().reconfigure(plan(other, DOLLARS, smaller)).join();
    assertEquals(
        List.of(
            new Budget.Spent(other, 0, Duration.ZERO),
            new Budget.Spent(DOLLARS, Budget.DOLLAR, tokens.left()),
            new Budget.Spent(smaller, 5, tokens.left())),
        ledger.spent("k1"));
    assertTrue(isOver("k1", 96));
  }

  @Test
  void what_was_spent_is_told_again_though_the_limits_changed_without_redis() {
    spend("k1");
    reading();
    redis.kill();
    Await.until("it is gone", () -> !link.isUp());
    Budget more = new Budget(Budget.Unit.TOKENS, Budget.Per.MONTH, false, 2_000);
    assertThrows(CompletionException.class, () -> scripts.plans().reconfigure(plan(more)).join());
    redis.startAgain();
    Await.until("it is back", link::isUp);
    ledger.read(List.of("k1")).join();
    assertEquals(5, spent(1));
  }
}
