package relay.redis.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lettuce.core.RedisCommandExecutionException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.guards.Await;
import relay.redis.PoolParts;
import relay.redis.Pools;
import relay.redis.RedisUnderTest;
import relay.redis.ScriptConnection;
import relay.redis.link.RedisGoneException;
import relay.redis.link.RedisLink;
import relay.redis.model.Demand;
import relay.redis.model.Ending;
import relay.redis.model.Lasting;
import relay.redis.model.LeaseRef;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Usage;
import relay.redis.script.PoolScripts;
import relay.redis.script.RedisKeys;
import relay.redis.script.Reply;
import relay.redis.walk.StoredPool;

/** Endings are held and carried by the next acquire. The alarm never fires here. */
final class LeaseEndingsTest {
  private static final Duration SOON = Duration.ofSeconds(10);
  private static final int TOMBSTONE = 22; // bytes

  private final PoolPlan plan =
      Pools.plan(
          Pools.name("settlements"), Duration.ofMinutes(1), 1, new Limits(1_000, 0, 0, 1_000_000));
  private final AtomicLong nanos = new AtomicLong(1);
  private final PoolParts parts = new PoolParts(RedisUnderTest.url(), plan, nanos::get);
  private final RedisKeys names = parts.names;
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final PoolScripts scripts = parts.scripts;
  private final LeaseEndings settlements = parts.endings;
  private final AcquireCalls acquires = parts.acquires;

  @BeforeEach
  void connect() {
    parts.start();
  }

  @AfterEach
  void disconnect() {
    parts.close();
    wire.close();
  }

  private TrackedLease granted(String id) {
    Reply.Grant grant =
        assertInstanceOf(Reply.Grant.class, acquires.acquire(id, Pools.one()).join());
    return TrackedLease.of(
        grant, (lease, cost, nanodollars) -> {}, id, scripts.epoch(), Pools.one());
  }

  private boolean hasEnded(String id) {
    return wire.redis().hget(names.leases, RedisKeys.bytes(id)).length == TOMBSTONE;
  }

  @Test
  void the_next_acquire_carries_endings_and_counts_their_cost() {
    settlements.send(new PendingUpdate.Settle(granted("a"), new Usage(1, 25, 10)));
    var _ = granted("b"); // and carries the end of a
    assertEquals(true, hasEnded("a"));
    assertEquals(false, hasEnded("b"));
    Await.until("it is told", SOON, () -> settlements.overageTokens() == 15);
  }

  private PendingUpdate.ByRef awaited(String name) {
    LeaseRef ref =
        new LeaseRef(
            Lasting.id("c0ffee", name), "k", "account0/" + Pools.CLASS, 10, 10, 1, 0, false, 0, 0);
    return new PendingUpdate.ByRef(ref, new Usage(1, 25, 10), 0, false, new CompletableFuture<>());
  }

  @Test
  void an_ending_that_somebody_waits_for_is_carried_only_where_acquires_come() {
    PendingUpdate.ByRef lone = awaited("a");
    settlements.send(lone);
    assertEquals(Ending.UNKNOWN, lone.done().orTimeout(10, TimeUnit.SECONDS).join());
    var _ = granted("b");
    PendingUpdate.ByRef carried = awaited("c");
    settlements.send(carried);
    assertEquals(false, settlements.isEmpty());
    var _ = granted("d");
    assertEquals(Ending.UNKNOWN, carried.done().orTimeout(10, TimeUnit.SECONDS).join());
  }

  @Test
  void a_refused_acquire_loses_no_ending() {
    settlements.send(new PendingUpdate.Settle(granted("a"), new Usage(1, 25, 10)));
    Demand talk = Pools.one().inSession("talk");
    wire.redis().rpush(names.session(Pools.CLASS, "talk"), RedisKeys.bytes("no text"));
    CompletionException refused =
        assertThrows(CompletionException.class, () -> acquires.acquire("b", talk).join());
    assertInstanceOf(RedisCommandExecutionException.class, RedisLink.cause(refused));
    Await.until("it has ended", SOON, () -> settlements.overageTokens() == 15);
    assertEquals(true, hasEnded("a"));
  }

  @Test
  void a_call_repeated_after_configure_carries_its_endings() {
    settlements.send(new PendingUpdate.Settle(granted("a"), new Usage(1, 25, 10)));
    assertEquals(1, wire.redis().hdel(names.state, RedisKeys.bytes("pool")));
    // a lost pool starts in debt
    assertInstanceOf(Reply.Refusal.class, acquires.acquire("b", Pools.one()).join());
    assertEquals(true, hasEnded("a"));
  }

  /** Redis applied the first call, but its answer was lost. */
  @ParameterizedTest
  @ValueSource(longs = {10, 31})
  void overage_that_is_sent_again_counts_once(long seconds) {
    PendingUpdate.Settle settle = new PendingUpdate.Settle(granted("a"), new Usage(1, 25, 10));
    new LeaseCalls(scripts).settle(List.of(settle)).join();
    settlements.acquireDone(List.of(settle), null, new TimeoutException());
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(seconds));
    if (seconds > 30) {
      assertEquals(1, wire.redis().hdel(names.leases, RedisKeys.bytes("a"))); // its time is over
    }
    settlements.sendAgain();
    settlements.flush();
    Await.until("it is done", SOON, settlements::isEmpty);
    scripts.plans().configure().join(); // after the calls before
    var _ = granted("b");
    assertEquals(25 + 10, used());
  }

  /** This lease's grant is lost, too, so nothing else charges it. */
  @Test
  void a_settlement_that_redis_never_saw_is_charged() {
    PendingUpdate.Settle settle = new PendingUpdate.Settle(granted("a"), new Usage(1, 25, 10));
    settlements.acquireDone(List.of(settle), null, new RedisGoneException());
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(100));
    assertEquals(1, wire.redis().hdel(names.leases, RedisKeys.bytes("a"))); // expired long ago
    settlements.sendAgain();
    settlements.flush();
    Await.until("it is charged", SOON, () -> used() == 25);
  }

  /** A failover: the new master has none of the last writes. */
  private void loseAll() {
    wire.names("test:{" + plan.name() + "}:")
        .forEach(name -> wire.redis().del(RedisKeys.bytes(name)));
  }

  @Test
  void a_running_lease_that_a_failover_lost_holds_its_place_again_and_once() {
    TrackedLease lease = granted("a");
    settlements.began(lease);
    loseAll();
    scripts.plans().configure().join();
    for (int n = 0; n < 3; n++) {
      settlements.recovery().chargeAgain(1);
      scripts.plans().configure().join(); // after the calls before
      assertEquals(1, inFlight());
      assertEquals(10, used());
    }
    settlements.send(new PendingUpdate.Settle(lease, new Usage(1, 25, 10)));
    settlements.flush();
    Await.until("it is settled", SOON, () -> used() == 25);
    assertEquals(0, inFlight());
  }

  @Test
  void a_settlement_that_overtakes_the_second_charge_of_its_lease_is_not_lost() {
    TrackedLease lease = granted("a");
    settlements.began(lease);
    loseAll();
    scripts.plans().configure().join();
    settlements.send(new PendingUpdate.Settle(lease, new Usage(1, 25, 10)));
    settlements.flush(); // Redis knows no such lease
    settlements.recovery().chargeAgain(1);
    Await.until(
        "it is settled",
        SOON,
        () -> {
          settlements.flush();
          return used() == 25 && inFlight() == 0;
        });
  }

  /** Live leases of the group. */
  private double inFlight() {
    return new StoredPool(wire.redis().hgetall(names.state))
        .number("g:account0/" + Pools.CLASS, StoredPool.FLIGHT);
  }

  /** Input tokens of the group. */
  private double used() {
    return new StoredPool(wire.redis().hgetall(names.state))
        .number("g:account0/" + Pools.CLASS, StoredPool.USED + 2);
  }
}
