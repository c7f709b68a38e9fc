package relay.redis;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.guards.RedisNode;
import relay.redis.Acquisition.Granted;

/** A Redis that answers late, or that cannot be used as it should: it is not gone. */
final class SlowRedisTest {
  private static final Duration SOON = Duration.ofSeconds(20);
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
