package relay.redis;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;

final class SmallBurstTest {
  @Test
  void the_smallest_allowed_burst_is_accepted() {
    EngineOptions options = Pools.options(RedisUnderTest.url(), "r", Fallback.CLOSED);
    PoolPlan some =
        Pools.plan(Pools.name("burst"), Duration.ofMinutes(1), 1, new Limits(9, 0, 0, 0));
    PoolPlan plan =
        new PoolPlan(
            some.name(),
            some.window(),
            some.strategy(),
            some.accounting(),
            1e-9,
            some.modelClasses(),
            some.keys(),
            some.limits());
    try (RedisEngine engine = RedisEngine.start(options)) {
      assertInstanceOf(Granted.class, engine.pool(plan).acquire(Pools.one()).join());
    }
  }
}
