package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import relay.guards.Await;

/** Which budgets a replica reads, and when. */
final class BudgetLedgerTest {
  private static final int KEYS = 500;
  private static final int CALLS = 2; // for 200 keys
  private static final Budget BUDGET =
      new Budget(Budget.Unit.TOKENS, Budget.Per.MONTH, false, 1_000);

  private final FaultyRedis redis = FaultyRedis.start();
  private final EngineOptions options = Pools.options(redis.url(), "r", Fallback.CLOSED);
  private final PoolPlan plan =
      new PoolPlan(
          "many",
          Duration.ofMinutes(1),
          Strategy.ROUND_ROBIN,
          Accounting.SLIDING_WINDOW,
          1,
          List.of(Pools.CLASS),
          IntStream.range(0, KEYS)
              .mapToObj(n -> new KeyPlan("k" + n, "k" + n, 1, 1, 0, true, List.of(BUDGET)))
              .toList(),
          Map.of(),
          true);
  private final Masters masters =
      Masters.of(options.servers(), options.timeout(), null, master -> {});
  private final RedisLink link = masters.link(plan.name());
  private final PoolScripts scripts = new PoolScripts(link, plan, options);
  private final AtomicLong nanos = new AtomicLong(1);
  private final BudgetLedger ledger = new BudgetLedger(link, scripts, nanos::get);
  private final ScriptConnection wire = new ScriptConnection(redis.url());

  @BeforeEach
  void connect() {
    masters.start();
  }

  @AfterEach
  void disconnect() {
    masters.close();
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
    byte[][] keys = {scripts.candidates().budgetsKey()};
    String line = ScriptCaller.text(scripts.candidates().budgets().line(key));
    wire.call(ScriptFile.BUDGETS, keys, "-", line, " 0 5");
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
    Demand most = Demand.of(Pools.CLASS, 996, 0).on("k1");
    Duration left = ledger.spent("k1").getFirst().left();
    nanos.addAndGet(left.toNanos() / 2);
    assertInstanceOf(Acquisition.OverBudget.class, ledger.refusal(most));
    assertEquals(
        new Budget.Spent(BUDGET, 5, left.minusNanos(left.toNanos() / 2)),
        ledger.spent("k1").getFirst());
    nanos.addAndGet(left.toNanos());
    assertNull(ledger.refusal(most));
    wire.redis().flushall(); // and the hash that takes its place is of the next period
    reading();
    assertEquals(0, spent(1));
  }
}
