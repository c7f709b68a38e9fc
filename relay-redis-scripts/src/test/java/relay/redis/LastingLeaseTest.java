package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.model.Acquisition.Impossible;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.Acquisition.Unavailable;
import relay.redis.model.Budget;
import relay.redis.model.Demand;
import relay.redis.model.Ending;
import relay.redis.model.Fallback;
import relay.redis.model.Lasting;
import relay.redis.model.Lease;
import relay.redis.model.Lease.Progress;
import relay.redis.model.LeaseRef;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot.GroupState;
import relay.redis.model.Usage;

/** A lease that lasts is reported on and ended through any replica. */
@Tag("slow")
final class LastingLeaseTest {
  private static final Duration TTL = Duration.ofMinutes(10);

  private final FaultyRedis redis = FaultyRedis.start();
  private final RedisEngine engine =
      RedisEngine.start(Pools.options(redis.url(), "a", Fallback.FAIR_SHARE));
  private final RedisEngine other =
      RedisEngine.start(Pools.options(redis.url(), "b", Fallback.FAIR_SHARE));
  private final PoolPlan plan =
      Pools.plan(Pools.name("lasting"), Duration.ofDays(1), 1, new Limits(1_000, 1_000_000, 0, 0));
  private int next;

  @AfterEach
  void close() {
    engine.close();
    other.close();
    redis.close();
  }

  private Demand lasting(int requests, boolean partial, long input) {
    String id = Lasting.id("c0ffee", "n" + next++);
    return Demand.of(Pools.CLASS, input, 1).lasting(new Lasting(id, TTL, requests, partial));
  }

  private static LeaseRef granted(KeyPool pool, Demand demand) {
    return LeaseRef.of(PlannedFleet.lease(pool.acquire(demand)));
  }

  @Test
  void the_open_leases_of_owners_are_counted() {
    KeyPool pool = engine.pool(plan);
    LeaseRef first = granted(pool, lasting(1, false, 1));
    granted(pool, lasting(1, false, 1));
    assertEquals(List.of(2L, 0L), pool.openLeases(List.of("c0ffee", "decaf")).join());
    other.pool(plan).settle(first, new Usage(1, 1, 1), 0).join();
    assertEquals(List.of(1L), pool.openLeases(List.of("c0ffee")).join());
  }

  private static Usage used(KeyPool pool) {
    return state(pool).used();
  }

  private static GroupState state(KeyPool pool) {
    return pool.snapshot().join().groups().getFirst();
  }

  @Test
  void another_replica_settles_it_once() {
    KeyPool a = engine.pool(plan);
    KeyPool b = other.pool(plan);
    LeaseRef lease = granted(a, lasting(1, false, 500));
    assertEquals(0, a.liveLeases(), "the replica that granted it does not remember it");
    assertEquals(1, state(b).inFlight());
    assertEquals(Ending.SETTLED, b.settle(lease, new Usage(1, 70, 7), 0).join());
    assertEquals(new Usage(1, 70, 7), used(a));
    assertEquals(Ending.SETTLED_BEFORE, a.settle(lease, new Usage(1, 900, 9), 0).join());
    assertEquals(Ending.SETTLED_BEFORE, b.settle(lease, Usage.NONE, 0).join());
    assertFalse(b.progress(lease, new Progress(1, 0, 0), 0, TTL).join());
    assertEquals(new Usage(1, 70, 7), used(b));
    assertEquals(0, state(a).inFlight());
  }

  @Test
  void a_settlement_of_no_request_may_be_repeated() {
    KeyPool a = engine.pool(plan);
    LeaseRef unused = granted(a, lasting(20, false, 500));
    assertEquals(Ending.SETTLED, a.settle(unused, Usage.NONE, 0).join());
    assertEquals(Ending.SETTLED_BEFORE, other.pool(plan).settle(unused, Usage.NONE, 0).join());
    assertEquals(Usage.NONE, used(a));
  }

  @Test
  void one_that_ended_for_good_cannot_be_settled() {
    KeyPool a = engine.pool(plan);
    KeyPool b = other.pool(plan);
    LeaseRef cancelled = granted(a, lasting(20, false, 500));
    assertEquals(Ending.SETTLED, b.end(cancelled, Usage.NONE, 0).join());
    assertEquals(Ending.UNKNOWN, a.settle(cancelled, new Usage(20, 500, 1), 0).join());
    assertEquals(Usage.NONE, used(a));
    LeaseRef refused = granted(b, lasting(1, false, 500));
    assertEquals(Ending.SETTLED, a.end(refused, new Usage(1, 0, 0), 0).join());
    assertEquals(Ending.UNKNOWN, b.settle(refused, new Usage(1, 500, 1), 0).join());
    assertEquals(new Usage(1, 0, 0), used(a));
    LeaseRef never =
        new LeaseRef("@c0ffee:never", "key0", "account0/model", 1, 1, 1, 0, true, 1, 1);
    assertEquals(Ending.UNKNOWN, b.settle(never, new Usage(1, 500, 1), 0).join());
    assertFalse(b.progress(never, new Progress(1, 0, 0), 0, TTL).join());
  }

  /**
   * What a holder reports before a refusal is known to be used: the rest of the lease may be, too.
   */
  @Test
  void a_refusal_leaves_charged_what_was_reported() {
    KeyPool a = engine.pool(plan);
    KeyPool b = other.pool(plan);
    Demand wanted = Demand.of(Pools.CLASS, 100, 10);
    Demand coming = wanted.comingWith(3);
    for (Demand demand : List.of(wanted, coming)) {
      Lasting lasting = new Lasting(Lasting.id("c0ffee", "n" + next++), TTL, 5, false);
      LeaseRef untold = granted(a, demand.lasting(lasting));
      assertTrue(b.progress(untold, new Progress(7, 1, 0), 0, TTL).join());
      assertEquals(Ending.SETTLED, a.end(untold, new Usage(1, 0, 0), 0).join());
    }
    assertEquals(new Usage(10, 200, 17), used(a), "all at admission, else what was made");
    LeaseRef told = granted(a, lasting(5, false, 100));
    assertTrue(b.progress(told, new Progress(1, 0, 0), 0, TTL).join());
    assertEquals(Ending.SETTLED, a.end(told, new Usage(2, 20, 1), 0).join());
    assertEquals(new Usage(12, 220, 18), used(a));
    assertEquals(0, state(b).inFlight());
  }

  @Test
  void a_lease_is_for_many_requests_and_gives_back_what_it_does_not_use() {
    KeyPool a = engine.pool(plan);
    LeaseRef lease = granted(a, lasting(400, false, 4_000));
    assertEquals(400, lease.requests());
    assertEquals(new Usage(400, 4_000, 1), used(a));
    assertEquals(1, state(a).inFlight(), "one slot");
    assertEquals(Ending.SETTLED, a.settle(lease, new Usage(150, 1_500, 1), 0).join());
    assertEquals(new Usage(150, 1_500, 1), used(a));
    Impossible larger =
        assertInstanceOf(Impossible.class, a.acquire(lasting(1_001, false, 1)).join());
    assertEquals(new Impossible(Reason.REQUESTS, 1_000), larger);
  }

  @Test
  void a_part_is_as_much_as_there_is_room_for() {
    KeyPool a = engine.pool(plan);
    LeaseRef most = granted(a, lasting(100_000, true, 1_000_000));
    assertEquals(1_000, most.requests());
    assertEquals(10_000, most.inputTokens(), "ten a request");
    LeaseRef whole =
        granted(
            other.pool(
                Pools.plan(
                    Pools.name("lasting"),
                    Duration.ofDays(1),
                    1,
                    new Limits(1_000, 1_000_000, 0, 0))),
            lasting(300, true, 3_000));
    assertEquals(300, whole.requests());
  }

  @Test
  void the_lease_as_an_object_ends_by_its_id() {
    KeyPool a = engine.pool(plan);
    KeyPool b = other.pool(plan);
    LeaseRef ref = granted(a, lasting(5, false, 50));
    Lease lease = b.lease(ref);
    assertEquals(ref, LeaseRef.of(lease));
    lease.settle(30, 3);
    assertEquals(Ending.SETTLED_BEFORE, b.settle(ref, new Usage(5, 1, 1), 0).join());
    assertEquals(new Usage(5, 30, 3), used(a));
  }

  @Test
  void without_redis_there_are_none() {
    KeyPool a = engine.pool(plan);
    LeaseRef lease = granted(a, lasting(1, false, 10));
    redis.kill();
    assertInstanceOf(Unavailable.class, a.acquire(lasting(1, false, 10)).join());
    assertThrows(CompletionException.class, () -> a.settle(lease, new Usage(1, 1, 1), 0).join());
    assertThrows(
        CompletionException.class, () -> a.progress(lease, new Progress(1, 0, 0), 0, TTL).join());
  }

  @Test
  void of_a_client_it_counts_in_limits_and_budgets() {
    Budget budget = new Budget(Budget.Unit.USD, Budget.Per.DAY, false, 1_000, false);
    KeyPool a = engine.pool(BudgetTest.plan(new Limits(100, 0, 0, 0), budget));
    Demand demand = lasting(10, false, 100).on("team").costing(400);
    LeaseRef lease = granted(a, demand);
    assertEquals(400, BudgetTest.spent(a));
    assertTrue(a.progress(lease, new Progress(50, 0, 0), 600, TTL).join());
    assertEquals(600, BudgetTest.spent(a), "what it costs beyond its reservation counts at once");
    assertEquals(Ending.SETTLED, a.settle(lease, new Usage(4, 100, 20), 250).join());
    assertEquals(250, BudgetTest.spent(a));
    assertEquals(4, a.named().use("team").join().used().requests());
    LeaseRef refused = granted(a, lasting(10, false, 100).on("team").costing(400));
    assertTrue(a.progress(refused, new Progress(50, 0, 0), 600, TTL).join());
    assertEquals(Ending.SETTLED, a.end(refused, new Usage(1, 0, 0), 0).join());
    assertEquals(850, BudgetTest.spent(a), "what was reported stays charged");
  }

  @Test
  void what_is_not_made_after_all_is_given_back_where_a_report_has_counted_it() {
    KeyPool a = engine.pool(BudgetTest.plan(new Limits(100, 0, 1_000, 0)));
    LeaseRef lease = granted(a, lasting(1, false, 100).on("team"));
    assertTrue(a.progress(lease, new Progress(50, 0, 0), 0, TTL).join());
    long aSlot = a.plan().window().toNanos() / 400;
    Await.moment(System.nanoTime() + aSlot);
    assertTrue(a.progress(lease, new Progress(0, 0, 0), 0, TTL).join(), "it counts nothing");
    assertEquals(Ending.SETTLED, a.end(lease, Usage.NONE, 0).join());
    assertEquals(Usage.NONE, used(a));
  }
}
