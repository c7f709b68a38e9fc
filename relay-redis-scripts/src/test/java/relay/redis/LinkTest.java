package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.Unavailable;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Usage;

/** Redis fails in every way it can, and comes back. */
@Tag("slow")
class LinkTest extends LinkedEngines {
  private static void down(RedisEngine engine, KeyPool pool) {
    Await.until(
        "the link is down",
        SOON,
        () -> {
          var _ = pool.acquire(Pools.one()).join();
          return !engine.isUp();
        });
  }

  @Test
  void flushed_scripts_under_load_fail_no_request_and_charge_nothing_twice() {
    KeyPool pool = engine("r1", Fallback.CLOSED).pool(plan(AMPLE));
    granted(pool.acquire(Pools.one())).lease().settle(1, 1);
    AtomicBoolean stop = new AtomicBoolean();
    Thread flushing =
        Thread.ofVirtual()
            .start(
                () -> {
                  try (ScriptConnection wire = new ScriptConnection(redis.url())) {
                    while (!stop.get()) {
                      wire.redis().scriptFlush();
                    }
                  }
                });
    int requests = 3_000;
    for (int sent = 1; sent < requests; ) {
      List<CompletableFuture<Acquisition>> some = new ArrayList<>();
      for (int n = 0; n < 50 && sent < requests; n++, sent++) {
        some.add(pool.acquire(Pools.one()));
      }
      some.forEach(a -> granted(a).lease().settle(3, 4));
    }
    stop.set(true);
    Await.until("the flushing ends", SOON, () -> !flushing.isAlive());
    Await.until("all are settled", SOON, () -> group(pool).inFlight() == 0);
    assertEquals(
        new Usage(requests, 1 + 3 * (requests - 1), 1 + 4 * (requests - 1)), group(pool).used());
  }

  @Test
  void closed_refuses_at_once_during_an_outage_and_grants_after_it() {
    RedisEngine engine = engine("r1", Fallback.CLOSED);
    // A lost pool starts without burst: with a short window the next request's time comes soon.
    KeyPool pool = engine.pool(Pools.plan("pool", Duration.ofSeconds(1), 1, AMPLE));
    granted(pool.acquire(Pools.one()));
    redis.kill();
    assertInstanceOf(Unavailable.class, pool.acquire(Pools.one()).join());
    Await.until("the link is down", SOON, () -> !engine.isUp());
    assertTrue(pool.acquire(Pools.one()).isDone(), "an answer without waiting");
    redis.startAgain();
    upAgain(engine);
    granted(pool.acquire(Pools.one()));
  }

  @Test
  void open_grants_everything() {
    RedisEngine engine = engine("r1", Fallback.OPEN);
    KeyPool pool = engine.pool(plan(new Limits(1, 1, 1, 1)));
    redis.kill();
    Await.until("the link is down", SOON, () -> !engine.isUp());
    for (int n = 0; n < 1_000; n++) {
      granted(pool.acquire(Pools.one()));
    }
  }

  @Test
  void an_engine_that_starts_without_redis_finds_it_later() {
    redis.kill();
    RedisEngine engine = engine("r1", Fallback.CLOSED);
    KeyPool pool = engine.pool(plan(AMPLE));
    assertInstanceOf(Unavailable.class, pool.acquire(Pools.one()).join());
    redis.startAgain();
    upAgain(engine);
    granted(pool.acquire(Pools.one()));
  }

  @Test
  void a_redis_that_stops_answering_is_detected_after_three_timeouts() {
    RedisEngine engine = impatient("r1", Fallback.CLOSED);
    KeyPool pool = engine.pool(plan(AMPLE));
    granted(pool.acquire(Pools.one())).lease().cancel();
    Await.until("all is settled", SOON, () -> group(pool).inFlight() == 0);
    redis.freeze();
    long began = System.nanoTime();
    int waited = 0;
    while (engine.isUp()) {
      long asked = System.nanoTime();
      assertInstanceOf(Unavailable.class, pool.acquire(Pools.one()).join());
      if (System.nanoTime() - asked > TIMEOUT.toNanos() / 2) { // the link may drop it meanwhile
        waited++;
      }
    }
    long took = System.nanoTime() - began;
    assertTrue(waited <= 3, "calls that waited: " + waited);
    assertTrue(took < 4 * TIMEOUT.toNanos(), "it took " + Duration.ofNanos(took));
    for (int n = 0; n < 100; n++) {
      assertTrue(pool.acquire(Pools.one()).isDone(), "no queue behind a dead Redis");
    }
    redis.thaw();
    upAgain(engine);
    granted(pool.acquire(Pools.one())).lease().cancel();
    // Redis may have granted the failed calls when it woke up: they were cancelled.
    Await.until("nothing is in flight", SOON, () -> group(pool).inFlight() == 0);
    assertEquals(new Usage(0, 0, 0), group(pool).used());
  }

  @Test
  void many_requests_cut_off_by_a_freeze_leave_nothing_in_flight_and_nothing_charged() {
    RedisEngine engine = impatient("r1", Fallback.CLOSED);
    KeyPool pool = engine.pool(plan(AMPLE));
    granted(pool.acquire(Pools.one())).lease().cancel();
    redis.freeze();
    List<CompletableFuture<Acquisition>> some = new ArrayList<>();
    for (int n = 0; n < 500; n++) {
      some.add(pool.acquire(Pools.one()));
    }
    some.forEach(a -> assertInstanceOf(Unavailable.class, a.join()));
    Await.until("the link is down", SOON, () -> !engine.isUp());
    redis.thaw();
    upAgain(engine);
    Await.until(
        "nothing is in flight or charged",
        SOON,
        () -> group(pool).inFlight() == 0 && group(pool).used().equals(new Usage(0, 0, 0)));
  }

  @Test
  void leases_that_end_during_a_freeze_are_settled_afterwards_and_once() {
    RedisEngine engine = impatient("r1", Fallback.CLOSED);
    KeyPool pool = engine.pool(plan(AMPLE));
    List<Lease> leases = new ArrayList<>();
    for (int n = 0; n < 200; n++) {
      leases.add(granted(pool.acquire(Pools.one())).lease());
    }
    redis.freeze();
    leases.subList(0, 100).forEach(l -> l.settle(25, 5)); // more input than was reserved
    down(engine, pool);
    leases.subList(100, 200).forEach(l -> l.settle(5, 25));
    redis.thaw();
    upAgain(engine);
    Await.until("all are settled", SOON, () -> group(pool).inFlight() == 0);
    assertEquals(new Usage(200, 100 * 30, 100 * 30), group(pool).used());
  }

  @Test
  void fair_share_admits_at_most_its_share_and_charges_it_when_redis_is_back() {
    RedisEngine one = impatient("r1", Fallback.FAIR_SHARE);
    PoolPlan plan = Pools.plan("pool", Duration.ofSeconds(2), 1, new Limits(1_000, 0, 0, 0));
    engine("r2", Fallback.FAIR_SHARE).pool(plan);
    KeyPool pool = one.pool(plan);
    Pools.awaitReplicas(pool, 2);
    redis.freeze();
    down(one, pool);
    long began = System.nanoTime();
    int admitted = 0;
    // down() used a part of the share, so only the upper bound is exact
    while (System.nanoTime() - began < 2_000_000_000L) {
      if (pool.acquire(Pools.one()).join() instanceof Granted g) {
        g.lease().settle(10, 10);
        admitted++;
      }
    }
    double windows = (System.nanoTime() - began) / 2e9;
    double share = 0.9 * 1_000 / 2;
    assertTrue(admitted <= share * (windows + 1 / 20.0) + 1, admitted + " in " + windows);
    assertTrue(admitted >= 0.5 * share * windows, admitted + " in " + windows);
  }

  @Test
  void usage_during_an_outage_is_charged_after_it() {
    RedisEngine engine = impatient("r1", Fallback.FAIR_SHARE);
    KeyPool pool = engine.pool(plan(new Limits(100_000_000, 0, 0, 0)));
    Lease before = granted(pool.acquire(Pools.one())).lease();
    before.settle(10, 10);
    Await.until("it is settled", SOON, () -> group(pool).inFlight() == 0);
    redis.freeze();
    Await.until(
        "the link is down",
        SOON,
        () -> {
          if (pool.acquire(Pools.one()).join() instanceof Granted g) {
            g.lease().cancel();
          }
          return !engine.isUp();
        });
    // The share starts empty: these are admitted as it fills, 1,000 a second.
    List<Lease> admitted = new ArrayList<>();
    while (admitted.size() < 200) {
      if (pool.acquire(Pools.one()).join() instanceof Granted g) {
        admitted.add(g.lease());
      }
    }
    admitted.subList(1, 200).forEach(l -> l.settle(10, 15));
    redis.thaw();
    upAgain(engine);
    Await.until(
        "it is charged, and what was cut off is cancelled",
        SOON,
        () -> group(pool).used().requests() >= 201 && group(pool).inFlight() == 0);
    Usage charged = group(pool).used();
    admitted.getFirst().settle(10, 1_000_010); // overage, after the outage
    Await.until(
        "the overage is charged",
        SOON,
        () -> group(pool).used().outputTokens() == charged.outputTokens() + 1_000_000);
    assertEquals(0, group(pool).inFlight());
  }

  @Test
  void a_lease_lost_with_the_state_is_charged_when_it_is_settled() {
    KeyPool pool = engine("r1", Fallback.CLOSED).pool(plan(AMPLE));
    Lease lease = granted(pool.acquire(Pools.one())).lease();
    Lease cancelled = granted(pool.acquire(Pools.one())).lease();
    flushAll();
    cancelled.cancel();
    lease.settle(7, 8);
    Await.until("it is charged", SOON, () -> group(pool).used().equals(new Usage(1, 7, 8)));
    assertEquals(0, group(pool).inFlight());
  }

  private void flushAll() {
    try (ScriptConnection wire = new ScriptConnection(redis.url())) {
      wire.redis().flushall();
    }
  }

  private static int grantedAtOnce(KeyPool pool, int asked) {
    List<CompletableFuture<Acquisition>> all = new ArrayList<>();
    for (int n = 0; n < asked; n++) {
      all.add(pool.acquire(Pools.one()));
    }
    return (int) all.stream().filter(a -> a.join() instanceof Granted).count();
  }

  @Test
  void a_new_pool_starts_full_and_a_lost_one_without_burst() {
    Limits limits = new Limits(1_000, 0, 0, 0);
    KeyPool pool = engine("r1", Fallback.CLOSED).pool(plan(limits));
    assertEquals(500, grantedAtOnce(pool, 1_000), "half the limit at once");
    flushAll();
    assertEquals(0, grantedAtOnce(pool, 100), "nothing is spent twice");
    KeyPool other = engine("r2", Fallback.CLOSED).pool(plan(limits));
    assertEquals(0, grantedAtOnce(other, 100), "the debt is everybody's");
  }

  @Test
  void a_replica_with_the_old_epoch_puts_a_recreated_pool_in_debt() {
    Limits limits = new Limits(1_000, 0, 0, 0);
    RedisEngine first = engine("r1", Fallback.CLOSED);
    KeyPool pool = first.pool(plan(limits));
    assertEquals(500, grantedAtOnce(pool, 1_000));
    redis.kill();
    Await.until("the link is down", SOON, () -> !first.isUp());
    redis.startAgain();
    upAgain(first);
    Await.until(
        "it has announced the pool",
        SOON,
        () -> pool.snapshot().handle((s, f) -> f == null).join());
    assertEquals(0, grantedAtOnce(pool, 100));
  }

  @Test
  void a_lease_is_renewed_while_its_engine_runs_and_then_expires() {
    EngineOptions shortLease =
        new EngineOptions(
            redis.url(), "test", "r1", TIMEOUT, Fallback.CLOSED, Duration.ofMillis(1_500));
    KeyPool pool = engine(shortLease).pool(plan(AMPLE));
    granted(pool.acquire(Pools.one()));
    long began = System.nanoTime();
    KeyPool onlooker = engine("r2", Fallback.CLOSED).pool(plan(AMPLE));
    Await.until(
        "twice its time has passed",
        SOON,
        () -> {
          assertEquals(1, group(onlooker).inFlight());
          return System.nanoTime() - began > 3_000_000_000L;
        });
    engines.removeFirst().close(); // it leaves its leases open, as a killed process would
    Await.until("the lease expired", SOON, () -> group(onlooker).inFlight() == 0);
    assertEquals(new Usage(1, 10, 10), group(onlooker).used());
    assertEquals(1, onlooker.snapshot().join().expiredLeases());
  }
}
