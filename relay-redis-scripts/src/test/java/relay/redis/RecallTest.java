package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.guards.Await;
import relay.redis.library.ScriptFile;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;
import relay.redis.walk.StoredPool;

/** A pool's state is lost, and the replicas tell what they have used. */
@Tag("slow")
final class RecallTest {
  private static final long SECOND = 1_000_000;
  private static final long REMEMBERED = 99; // an epoch unknown to Redis
  private static final long EPOCH = 7;
  private static final int LIMIT = 240;
  private static final String GROUP = "account0/" + Pools.CLASS;

  private final String name = Pools.name("recall");
  private final RedisKeys names = new RedisKeys("test", name);
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final PoolPlan plan =
      Pools.plan(name, Duration.ofMinutes(1), 1, new Limits(LIMIT, 0, 0, 0));
  private long now = 1_790_000_000_000_000L;
  private int leases;

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private List<Object> call(Step step) {
    return wire.call(step, names, new Clock(now, 0));
  }

  /** Returns whether all have told. */
  private boolean told(String replica, int part, int parts, String seen, String used) {
    List<Object> reply = tell(EPOCH, replica, part, parts, seen, used);
    assertEquals(1L, reply.getFirst());
    return reply.get(2).equals(1L);
  }

  private List<Object> tell(
      long epoch, String replica, int part, int parts, String seen, String used) {
    Object[] args = {0, now, epoch, replica, part, parts, seen, GROUP, used};
    return wire.call(ScriptFile.RECALL, new byte[][] {names.state, names.win}, args);
  }

  private int granted() {
    int granted = 0;
    while (call(Step.acquire("l" + leases++, EPOCH, 1, 1, 30_000, List.of("k:key0", "g:" + GROUP)))
        .get(2)
        .equals(1L)) {
      granted++;
    }
    return granted;
  }

  private double used() {
    return new StoredPool(wire.redis().hgetall(names.state))
        .number("g:" + GROUP, StoredPool.USED + 1);
  }

  private static String ago(long seconds, long requests) {
    return seconds * SECOND + " " + requests + " 0 0";
  }

  @Test
  void the_debt_ends_when_all_have_told_that_any_saw() {
    assertEquals(2L, call(new Step.Configure(REMEMBERED, EPOCH, plan)).get(3));
    assertEquals(false, told("r1", 0, 1, "r1 r2", ago(30, 60)));
    assertEquals(0, granted());
    assertEquals(false, told("r2", 0, 2, "r2 r3", ago(20, 20)));
    assertEquals(false, told("r2", 1, 2, "r2 r3", ago(10, 20)), "r3 has not");
    assertEquals(0, granted());
    assertEquals(true, told("r3", 0, 1, "r3", ""));
    assertEquals(100, used());
    assertEquals(20, granted(), "as if 100 had been used at once: 100 + 20 <= 240 - 100 - 20");
  }

  @Test
  void what_is_told_again_or_out_of_turn_counts_once() {
    call(new Step.Configure(REMEMBERED, EPOCH, plan));
    assertEquals(false, told("r1", 1, 2, "r1", ago(1, 5)), "the first part is missing");
    assertEquals(0, used());
    for (int n = 0; n < 2; n++) {
      assertEquals(n == 1, told("r1", 0, 2, "r1", ago(1, 10)));
      assertEquals(true, told("r1", 1, 2, "r1", ago(1, 5)));
      assertEquals(15, used());
    }
  }

  @Test
  void another_epoch_is_told_nothing() {
    assertEquals(-3L, tell(EPOCH, "r1", 0, 1, "r1", "").getFirst());
    call(new Step.Configure(REMEMBERED, EPOCH, plan));
    assertEquals(-3L, tell(REMEMBERED, "r1", 0, 1, "r1", ago(1, 1)).getFirst());
    assertEquals(0, used());
  }

  /** Each second gives back a sixtieth of a limit that was used up evenly. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_full_pool_goes_on_at_its_rate_and_one_of_which_a_replica_died_more_slowly(boolean all) {
    call(new Step.Configure(REMEMBERED, EPOCH, plan));
    List<String> used = new ArrayList<>();
    for (int seconds = 1; seconds <= 60; seconds++) {
      used.add(ago(seconds, LIMIT / 60 / 2));
    }
    told("r1", 0, 1, "r1 r2", String.join(" ", used));
    if (all) {
      assertEquals(true, told("r2", 0, 1, "r1 r2", String.join(" ", used)));
    }
    int granted = 0;
    for (int seconds = 1; seconds <= 30; seconds++) {
      now += SECOND;
      granted += granted();
      int left = LIMIT * (60 - seconds) / 60;
      assertTrue(granted + left <= LIMIT, "in the window: " + granted + " and " + left);
    }
    int rate = LIMIT / 2;
    assertTrue(all ? granted >= 0.95 * rate : granted <= 0.8 * rate, "granted: " + granted);
    assertTrue(granted >= 0.4 * rate, "granted: " + granted);
  }

  @Test
  void a_pool_of_which_little_was_used_has_that_much_less_at_once() {
    EngineOptions options = Pools.options(RedisUnderTest.url(), "r1", Fallback.CLOSED);
    EngineOptions others = Pools.options(RedisUnderTest.url(), "r2", Fallback.CLOSED);
    try (RedisEngine engine = RedisEngine.start(options);
        RedisEngine other = RedisEngine.start(others)) {
      KeyPool pool = engine.pool(plan);
      KeyPool second = other.pool(plan);
      Pools.awaitReplicas(pool, 2);
      Pools.awaitReplicas(second, 2);
      Lease runs = assertInstanceOf(Granted.class, pool.acquire(Pools.one()).join()).lease();
      for (KeyPool one : List.of(pool, second)) {
        for (int n = 0; n < 15; n++) {
          assertInstanceOf(Granted.class, one.acquire(Pools.one()).join()).lease().settle(1, 1);
        }
        one.snapshot().join(); // after the endings
      }
      wire.redis().del(names.state, names.win, names.leases, names.due, names.later);
      Await.until(
          "what was used is known",
          Duration.ofSeconds(20),
          () -> pool.snapshot().join().groups().getFirst().used().requests() == 31);
      List<Lease> more = new ArrayList<>();
      Await.until(
          "a third is granted at once",
          Duration.ofSeconds(20),
          () -> {
            while (pool.acquire(Pools.one()).join() instanceof Granted(Lease lease)) {
              more.add(lease);
            }
            return more.size() >= LIMIT / 3;
          });
      assertTrue(31 + more.size() <= LIMIT, "more: " + more.size());
      assertEquals(
          more.size() + 1L, pool.snapshot().join().keys().getFirst().inFlight(), "it still runs");
      runs.cancel();
      long all = 30L + more.size();
      assertEquals(all, pool.snapshot().join().groups().getFirst().used().requests());
    }
  }

  /** As of a Redis that fails again and again: what ran in a loss is not forgotten by the next. */
  @Test
  void each_loss_of_a_row_finds_what_runs_and_what_has_ended() {
    EngineOptions options = Pools.options(RedisUnderTest.url(), "r1", Fallback.CLOSED);
    try (RedisEngine engine = RedisEngine.start(options)) {
      KeyPool pool = engine.pool(plan);
      List<Lease> leases = new ArrayList<>();
      for (int n = 0; n < 50; n++) {
        leases.add(assertInstanceOf(Granted.class, pool.acquire(Pools.one()).join()).lease());
      }
      leases.subList(0, 10).forEach(lease -> lease.settle(1, 1));
      pool.snapshot().join(); // after the endings
      loseAndAwait(pool, 50, 40);
      loseAndAwait(pool, 50, 40);
      leases.subList(10, 20).forEach(Lease::cancel);
      leases.subList(20, 30).forEach(lease -> lease.settle(1, 1));
      awaitUse(pool, 40, 20);
      loseAndAwait(pool, 40, 20);
    }
  }

  private void loseAndAwait(KeyPool pool, long used, long inFlight) {
    wire.redis().del(names.state, names.win, names.leases, names.due, names.later);
    awaitUse(pool, used, inFlight);
  }

  private static void awaitUse(KeyPool pool, long used, long inFlight) {
    Await.until(
        used + " were used, and " + inFlight + " run",
        Duration.ofSeconds(20),
        () -> {
          PoolSnapshot.GroupState group = pool.snapshot().join().groups().getFirst();
          return group.used().requests() == used && group.inFlight() == inFlight;
        });
  }
}
