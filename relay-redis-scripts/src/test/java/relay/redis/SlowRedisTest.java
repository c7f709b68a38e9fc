package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.guards.RedisNode;
import relay.redis.model.Accounting;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.OverBudget;
import relay.redis.model.Budget;
import relay.redis.model.Demand;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.RedisTrouble;
import relay.redis.model.Strategy;

/** A Redis that answers late, or that cannot be used as it should: it is not gone. */
@Tag("slow")
final class SlowRedisTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final int LOCAL = 5; // grants
  private static final Limits AMPLE = new Limits(1_000, 0, 0, 0);

  private static RedisEngine engine(RedisNode redis, Duration timeout) {
    return RedisEngine.start(
        Pools.options("redis://" + redis.address(), "r", Fallback.CLOSED, timeout));
  }

  @Test
  void late_answers_show_as_slow_and_not_as_down() {
    try (RedisNode redis = RedisNode.start();
        RedisEngine engine = engine(redis, Duration.ofSeconds(1))) {
      KeyPool pool = engine.pool(Pools.plan("pool", Duration.ofDays(1), 1, AMPLE));
      var _ = pool.acquire(Pools.one()).join();
      assertFalse(engine.isSlow());
      redis.call("CLIENT", "PAUSE", "1800"); // longer than the timeout, shorter than three
      Await.until("it is slow", SOON, engine::isSlow);
      assertTrue(engine.isUp());
      Await.until("it is no longer slow", SOON, () -> !engine.isSlow());
      assertTrue(engine.isUp());
    }
  }

  /** Then it costs a request no time, hears at once of what was granted without it, and once. */
  @Test
  void a_redis_that_stays_slow_is_told_and_not_asked() {
    try (RedisNode redis = RedisNode.start();
        RecordedRedis way = new RecordedRedis("redis://" + redis.address());
        RedisEngine engine =
            RedisEngine.start(
                Pools.options(way.url(), "r", Fallback.OPEN, Duration.ofMillis(400)))) {
      KeyPool pool = engine.pool(Pools.plan("pool", Duration.ofDays(1), 1, AMPLE));
      Await.until("it is there", SOON, () -> pool.latest() != null);
      way.delay(800); // longer than the timeout, shorter than three
      Await.until("it stays slow", SOON, () -> !isAsked(pool) && engine.isSlow());
      long before = charges(way).distinct().count();
      for (int granted = 0; granted < LOCAL; granted++) {
        assertFalse(isAsked(pool));
      }
      Await.until("Redis has heard", SOON, () -> charges(way).distinct().count() >= before + LOCAL);
      long surveys = calls(way, "survey").count();
      Await.until("some ticks", SOON, () -> calls(way, "survey").count() >= surveys + 3);
      assertEquals(charges(way).distinct().count(), charges(way).count());
      assertTrue(engine.isUp());
      way.delay(0);
      Await.until("it is asked", SOON, () -> isAsked(pool));
    }
  }

  /** Each of the first late answers is waited for, before Redis is known to be slow. */
  @Test
  void a_spent_budget_refuses_also_who_waits_for_a_late_answer() {
    Budget few = new Budget(Budget.Unit.TOKENS, Budget.Per.DAY, false, 15);
    PoolPlan plan =
        new PoolPlan(
            "budgets",
            Duration.ofMinutes(1),
            Strategy.ROUND_ROBIN,
            Accounting.SLIDING_WINDOW,
            1,
            List.of(Pools.CLASS),
            List.of(new KeyPlan("team", "team", 1, 1, 0, true, List.of(few))),
            Map.of("team/" + Pools.CLASS, AMPLE),
            true);
    Demand demand = Demand.of(Pools.CLASS, 10, 10).on("team");
    try (RedisNode redis = RedisNode.start();
        RedisEngine engine =
            RedisEngine.start(
                Pools.options(
                    "redis://" + redis.address(), "r", Fallback.OPEN, Duration.ofMillis(500)))) {
      KeyPool pool = engine.pool(plan);
      Await.until("it is there", SOON, () -> pool.latest() != null);
      assertInstanceOf(OverBudget.class, pool.acquire(demand).join());
      redis.call("CLIENT", "PAUSE", "1200");
      assertInstanceOf(OverBudget.class, pool.acquire(demand).join());
    }
  }

  /** Whether the request waited for Redis, in vain or not. */
  private static boolean isAsked(KeyPool pool) {
    CompletableFuture<Acquisition> answer = pool.acquire(Pools.one());
    boolean done = answer.isDone();
    if (answer.join() instanceof Granted(Lease lease)) {
      lease.settle(10, 10);
    }
    return !done;
  }

  private static Stream<RecordedRedis.Exchange> calls(RecordedRedis way, String script) {
    return way.exchanges()
        .filter(call -> call.word(0).equals("FCALL") && call.word(1).endsWith("_" + script));
  }

  /** The ids of late charges. */
  private static Stream<String> charges(RecordedRedis way) {
    return calls(way, "charge").map(call -> call.word(3 + Integer.parseInt(call.word(2)) + 2));
  }

  @Test
  void a_full_memory_and_a_policy_of_eviction_are_told() {
    try (RedisNode redis = RedisNode.start("maxmemory-policy allkeys-lru");
        RedisEngine engine = engine(redis, Duration.ofSeconds(10))) {
      KeyPool pool = engine.pool(Pools.plan("pool", Duration.ofDays(1), 1, AMPLE));
      var _ = pool.acquire(Pools.one()).join();
      Await.until(
          "the policy is told", SOON, () -> engine.troubles().contains(RedisTrouble.EVICTION));
      redis.call("CONFIG", "SET", "maxmemory-policy", "noeviction");
      redis.call("CONFIG", "SET", "maxmemory", "1");
      var _ = pool.acquire(Pools.one()).join();
      assertTrue(engine.troubles().contains(RedisTrouble.MEMORY), engine.troubles().toString());
      redis.call("CONFIG", "SET", "maxmemory", "0");
      redis.call("CLIENT", "KILL", "TYPE", "normal");
      Await.until(
          "it works again", SOON, () -> pool.acquire(Pools.one()).join() instanceof Granted);
      Await.until(
          "the policy is right", SOON, () -> !engine.troubles().contains(RedisTrouble.EVICTION));
    }
  }
}
