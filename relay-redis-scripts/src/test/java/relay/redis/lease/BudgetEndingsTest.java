package relay.redis.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.BudgetTest;
import relay.redis.FaultyRedis;
import relay.redis.PoolParts;
import relay.redis.Pools;
import relay.redis.ScriptConnection;
import relay.redis.model.Budget;
import relay.redis.model.Demand;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Usage;
import relay.redis.script.PoolScripts;
import relay.redis.script.RedisKeys;
import relay.redis.script.Reply;

/** What budgets are charged for a lease that Redis has forgotten when it ends. */
final class BudgetEndingsTest {
  private static final Budget DOLLARS =
      new Budget(Budget.Unit.USD, Budget.Per.MONTH, false, 100 * Budget.DOLLAR);
  private static final Budget TOKENS =
      new Budget(Budget.Unit.TOKENS, Budget.Per.MONTH, true, 1_000);

  private final FaultyRedis redis = FaultyRedis.start();
  private final PoolPlan plan =
      BudgetTest.plan(new Limits(1_000, 0, 0, 1_000_000), DOLLARS, TOKENS);
  private final PoolParts parts = new PoolParts(redis.url(), plan, () -> 1);
  private final ScriptConnection wire = new ScriptConnection(redis.url());
  private final PoolScripts scripts = parts.scripts;
  private final BudgetLedger ledger = parts.ledger;
  private final LeaseEndings endings = parts.endings;

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

  /** A lease that has reserved 20 tokens and a dollar, and that Redis has forgotten. */
  private TrackedLease forgotten() {
    Demand dollar = Pools.one().on("team").costing(Budget.DOLLAR);
    CompletableFuture<Reply> reply = parts.acquires.acquire("a", dollar);
    Reply.Grant grant = assertInstanceOf(Reply.Grant.class, reply.join());
    TrackedLease lease =
        TrackedLease.of(
            grant,
            (one, cost, nanodollars) -> ((TrackedLease) one).uses(nanodollars),
            "a",
            scripts.epoch(),
            dollar);
    assertEquals(1, wire.redis().hdel(parts.names.leases, RedisKeys.bytes("a")));
    return lease;
  }

  private List<Long> spent() {
    ledger.read(List.of("team")).join();
    return ledger.spent("team").stream().map(Budget.Spent::spent).toList();
  }

  private void end(TrackedLease lease, Usage used, int times) {
    for (int n = 0; n < times; n++) {
      endings.send(new PendingUpdate.Settle(lease, used));
      endings.flush();
      endings.flush();
    }
  }

  @Test
  void what_it_used_beyond_its_reservation_counts_once() {
    TrackedLease lease = forgotten();
    assertEquals(List.of(Budget.DOLLAR, 20L), spent());
    lease.settle(25, 4, 30 * Budget.DOLLAR);
    end(lease, new Usage(1, 25, 4), 1);
    List<Long> used = List.of(30 * Budget.DOLLAR, 29L);
    Await.until("it is charged", () -> spent().equals(used));
    end(lease, new Usage(1, 25, 4), 3);
    scripts.plans().configure().join(); // after the calls before
    assertEquals(used, spent());
  }

  @Test
  void dollars_count_where_no_more_tokens_were_used() {
    TrackedLease lease = forgotten();
    lease.settle(10, 10, 3 * Budget.DOLLAR);
    end(lease, new Usage(1, 10, 10), 1);
    Await.until("it is charged", () -> spent().equals(List.of(3 * Budget.DOLLAR, 20L)));
  }
}
