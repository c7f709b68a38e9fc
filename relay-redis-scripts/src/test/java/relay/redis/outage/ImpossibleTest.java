package relay.redis.outage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.KeyPool;
import relay.redis.Pools;
import relay.redis.RedisEngine;
import relay.redis.RedisUnderTest;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.Impossible;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Demand;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.KeyState;

/** Requests that can never be granted, and requests that only a quarantine blocks. */
final class ImpossibleTest {
  private static final Demand LARGE = Demand.of(Pools.CLASS, 400, 0);
  private static final Demand TOO_LARGE = Demand.of(Pools.CLASS, 4_000, 0);

  /** One key has ten times the others' limit. */
  private static PoolPlan plan(int keys) {
    Duration minute = Duration.ofMinutes(1);
    PoolPlan same = Pools.plan(Pools.name("large"), minute, keys, new Limits(0, 100, 0, 0));
    Map<String, Limits> limits = new HashMap<>(same.limits());
    limits.put(PoolPlan.group("account0", Pools.CLASS), new Limits(0, 1_000, 0, 0));
    return new PoolPlan(
        same.name(),
        minute,
        same.strategy(),
        same.accounting(),
        1,
        List.of(Pools.CLASS),
        same.keys(),
        limits);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 20}) // compared, and by the index
  void a_request_whose_only_large_key_is_quarantined_is_not_impossible(int keys) {
    EngineOptions options = Pools.options(RedisUnderTest.url(), "r", Fallback.CLOSED);
    try (RedisEngine engine = RedisEngine.start(options)) {
      KeyPool pool = engine.pool(plan(keys));
      Granted granted = assertInstanceOf(Granted.class, pool.acquire(LARGE).join());
      assertEquals("key0", granted.lease().key());
      granted.lease().cancel();
      assertEquals(
          new Impossible(Acquisition.Reason.INPUT_TOKENS, 1_000), pool.acquire(TOO_LARGE).join());
      pool.quarantine(List.of("key0"), "why");
      for (int n = 0; n < 2; n++) { // met, then parked
        assertInstanceOf(NoneUsable.class, pool.acquire(LARGE).join());
        assertEquals(
            new Impossible(Acquisition.Reason.INPUT_TOKENS, 100), pool.acquire(TOO_LARGE).join());
      }
      pool.operator().restore("key0").join();
      assertInstanceOf(Granted.class, pool.acquire(LARGE).join());
    }
  }

  @Test
  void without_redis_it_is_not_impossible_either() {
    KeyState key = new KeyState("key0", "account0", "why", Duration.ZERO, 0, 0, 1, 1);
    PoolSnapshot last = new PoolSnapshot(Duration.ZERO, 1, 0, 0, List.of(), List.of(key));
    FairShare share = FairShareTest.alone(plan(2));
    assertEquals(new FairShare.Choice.Refused(new NoneUsable()), share.choose(LARGE, last, true));
    assertEquals(
        new FairShare.Choice.Refused(new Impossible(Acquisition.Reason.INPUT_TOKENS, 100)),
        share.choose(TOO_LARGE, last, true));
  }
}
