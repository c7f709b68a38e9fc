package relay.redis;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.Acquisition.Exhausted;

final class SecondOutageTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  /** The time in which a share of the limit earns enough credit for a request. */
  private static final Duration PAUSE = Duration.ofSeconds(2);

  /** Credit earned while Redis answered was used through Redis. */
  @Test
  void each_outage_starts_without_credit_even_after_one_without_grants() {
    try (FaultyRedis redis = FaultyRedis.start();
        RedisEngine engine =
            RedisEngine.start(Pools.options(redis.url(), "r", Fallback.FAIR_SHARE))) {
      KeyPool pool =
          engine.pool(Pools.plan("outage", PAUSE.multipliedBy(5), 1, new Limits(20, 0, 0, 0)));
      for (int outages = 0; outages < 2; outages++) {
        redis.kill();
        Await.until("the outage is noticed", SOON, () -> !engine.isUp());
        assertInstanceOf(Exhausted.class, pool.acquire(Pools.one()).join());
        redis.startAgain();
        Await.until("Redis is back", SOON, engine::isUp);
        long back = System.nanoTime();
        Await.until("a while has passed", SOON, () -> System.nanoTime() - back > PAUSE.toNanos());
      }
    }
  }
}
