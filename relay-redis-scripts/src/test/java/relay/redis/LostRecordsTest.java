package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.CooldownStep;
import relay.redis.walk.HeldLease;
import relay.redis.walk.Step;
import relay.redis.walk.StoredPool;
import relay.redis.walk.SweepStep;
import relay.redis.walk.Wish;

/** Leases that expired or were lost, a lost window, and reports that are taken back. */
final class LostRecordsTest {
  private static final long SECOND = 1_000_000;
  private static final List<String> FIELDS = List.of("k:key0", "g:account0/model");

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final String name = Pools.name("lost");
  private final RedisKeys names = new RedisKeys("test", name);
  private long micros = 1_790_000_000_000_000L;

  @AfterEach
  void close() {
    wire.close();
  }

  private PoolPlan plan(int maxConcurrent, Limits limits) {
    List<KeyPlan> keys = List.of(new KeyPlan("key0", "account0", 0, 1, maxConcurrent));
    return Pools.plan(name, Duration.ofMinutes(1), keys, limits);
  }

  private List<Object> call(Step step) {
    List<Object> args = step.args(new Clock(micros, micros));
    return wire.call(step.script(), step.keys(names), args.toArray());
  }

  private List<Object> acquire(String id) {
    return call(Step.acquire(id, 7, 1, 1, 30_000, FIELDS));
  }

  private Object renewed(HeldLease lease) {
    return call(new Step.Renew(30_000, List.of(lease))).get(2);
  }

  @Test
  void a_renewal_revives_an_expired_lease_with_its_concurrency() {
    call(new Step.Configure(0, 7, plan(1, new Limits(1000, 0, 0, 0))));
    assertEquals(1L, acquire("first").get(2));
    micros += 40 * SECOND; // no renewal came through
    assertEquals(1L, acquire("second").get(2), "the first has expired");
    assertEquals(1L, renewed(HeldLease.of("first")));
    assertEquals(1L, renewed(HeldLease.of("first")));
    call(Step.settle("second", 1, 1));
    assertEquals(0L, acquire("third").get(2), "the first still runs");
    call(Step.settle("first", 1, 1));
    assertEquals(1L, acquire("fourth").get(2));
  }

  @Test
  void a_renewal_counts_a_lease_again_whose_record_is_gone() {
    call(new Step.Configure(0, 7, plan(1, new Limits(1000, 0, 0, 0))));
    assertEquals(1L, acquire("first").get(2));
    HeldLease grant = new HeldLease("first", "key0", "account0/model", 7, micros, 1, 1);
    for (int n = 0; n < 10; n++) {
      micros += 40 * SECOND;
      call(new Step.Survey("r", 0, List.of(), List.of(), List.of()));
    }
    assertEquals(0L, renewed(HeldLease.of("first")));
    Step renew = new Step.Renew(30_000, List.of(grant));
    List<Object> late = renew.args(new Clock(micros, micros - 31 * SECOND));
    assertEquals(0L, wire.call(renew.script(), renew.keys(names), late.toArray()).get(2), "late");
    assertEquals(1L, renewed(grant));
    assertEquals(1L, renewed(grant));
    assertEquals(0L, acquire("second").get(2));
    call(Step.settle("first", 1, 1));
    assertEquals(0L, renewed(grant), "it has ended");
    assertEquals(1L, acquire("third").get(2));
  }

  @Test
  void a_running_request_counts_again_after_its_state_was_lost() {
    EngineOptions options =
        new EngineOptions(
            RedisUnderTest.url(),
            "test",
            "r",
            Duration.ofSeconds(10),
            Fallback.CLOSED,
            Duration.ofSeconds(3));
    try (RedisEngine engine = RedisEngine.start(options)) {
      KeyPool pool = engine.pool(plan(1, new Limits(100_000, 0, 0, 0)));
      Lease lease = assertInstanceOf(Granted.class, pool.acquire(Pools.one()).join()).lease();
      wire.redis().del(names.state, names.win, names.leases, names.due, names.later);
      Await.until(
          "it counts",
          Duration.ofSeconds(20),
          () -> pool.snapshot().join().keys().getFirst().inFlight() == 1);
      assertInstanceOf(Exhausted.class, pool.acquire(Pools.one()).join());
      lease.settle(1, 1);
      Await.until(
          "it has ended",
          Duration.ofSeconds(20),
          () -> pool.snapshot().join().keys().getFirst().inFlight() == 0);
    }
  }

  private void grant(int leases) {
    call(new Step.Configure(0, 7, plan(0, new Limits(1_000_000, 0, 0, 0))));
    for (int from = 0; from < leases; from += 100) {
      List<Wish> wishes = new ArrayList<>();
      IntStream.range(from, from + 100).forEach(n -> wishes.add(new Wish("l" + n, 1, 1, "")));
      call(new Step.Acquire(wishes, 7, 30_000, FIELDS));
    }
  }

  private long live() {
    return (Long) call(new Step.Survey("r", 0, List.of(), List.of(), List.of())).get(4);
  }

  @Test
  void short_calls_return_the_leases_of_a_dead_replica() {
    grant(600);
    micros += 31 * SECOND;
    long before = live();
    assertEquals(600 - 64, before, "a call checks a bounded number");
    int calls = 0;
    while (call(new SweepStep(List.of())).get(2).equals(1L)) {
      calls++;
    }
    assertEquals(8, calls, "the ninth says that there are no more");
    assertEquals(0, live());
  }

  @Test
  void a_replica_sweeps_what_a_burst_has_left_without_any_request() {
    micros = 1_000 * (System.currentTimeMillis() - 40_000);
    int leases = 10_000; // would take its heartbeats more than a minute
    grant(leases);
    try (RedisEngine engine =
        RedisEngine.start(Pools.options(RedisUnderTest.url(), "r", Fallback.CLOSED))) {
      KeyPool pool = engine.pool(plan(0, new Limits(1_000_000, 0, 0, 0)));
      Await.until("none lives", Duration.ofSeconds(40), () -> pool.snapshot().join().leases() == 0);
      assertEquals(leases, pool.snapshot().join().expiredLeases());
    }
  }

  @Test
  void a_lost_window_counts_as_used_just_now_and_empties() {
    call(new Step.Configure(0, 7, plan(0, new Limits(70, 0, 0, 0))));
    int granted = 0;
    while (granted < 70) { // more slots than the group's record holds
      granted += acquire("l" + granted).get(2).equals(1L) ? 1 : 0;
      micros += SECOND / 2;
    }
    acquire("closes the slot");
    wire.redis().del(names.win); // nobody notices before the next slot
    List<Object> refused = acquire("too much");
    assertEquals(0L, refused.get(2));
    long wait = (Long) refused.get(3);
    assertTrue(wait > 50 * SECOND && wait < 62 * SECOND, wait + " us");
    for (int n = 0; n < 5; n++) {
      micros += 10 * SECOND;
      assertEquals(0L, acquire("still").get(2));
    }
    micros += wait - 50 * SECOND;
    assertEquals(1L, acquire("again").get(2));
  }

  @Test
  void a_slot_gives_back_no_more_than_was_reported_in_it() {
    call(new Step.Configure(0, 7, plan(0, new Limits(0, 0, 100, 0))));
    Wish wish = new Wish("a", 1, 20, 0, "");
    assertEquals(1L, call(new Step.Acquire(List.of(wish), 7, 30_000, FIELDS)).get(2));
    for (int made : List.of(10, 15)) {
      micros += SECOND;
      assertEquals(1L, renewed(HeldLease.of(new HeldLease.Report("a", made, 20 - made, 0))));
    }
    micros += SECOND;
    call(Step.settle("a", 1, 0)); // the slot of the last report holds 5
    StoredPool stored = new StoredPool(wire.redis().hgetall(names.state));
    assertEquals(10, stored.number("g:account0/model", StoredPool.USED + 3));
  }

  @Test
  void a_provider_that_counts_more_strictly_is_left_room_beside_what_is_to_come() {
    call(new Step.Configure(0, 7, plan(0, new Limits(0, 0, 100, 0))));
    Wish first = new Wish("a", 1, 90, 20, "");
    assertEquals(1L, call(new Step.Acquire(List.of(first), 7, 30_000, FIELDS)).get(2));
    call(new CooldownStep(FIELDS.get(1), 1_000, micros)); // it was full
    micros += 2 * SECOND;
    Wish next = new Wish("b", 1, 5, 0, "");
    assertEquals(0L, call(new Step.Acquire(List.of(next), 7, 30_000, FIELDS)).get(2));
    call(Step.settle("a", 1, 10));
    assertEquals(1L, call(new Step.Acquire(List.of(next), 7, 30_000, FIELDS)).get(2));
  }
}
