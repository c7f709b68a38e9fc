package relay.redis;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Fallback;
import relay.redis.model.Limits;

@Tag("slow")
final class SecondOutageTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  /** The time in which a share of the limit earns enough credit for a request. */
  private static final Duration PAUSE = Duration.ofSeconds(2);

  /** Only a call that waited for its timeout has let its share pass unused. */
  @Test
  void a_lost_connection_gives_no_credit_for_time_that_has_not_passed() {
    Limits oneInASecond = new Limits(100_000, 0, 0, 0);
    try (FaultyRedis redis = FaultyRedis.start();
        RecordedRedis way = new RecordedRedis(redis.url());
        RedisEngine engine =
            RedisEngine.start(Pools.options(way.url(), "r", Fallback.FAIR_SHARE))) {
      KeyPool pool = engine.pool(Pools.plan("lost", Duration.ofDays(1), 1, oneInASecond));
      Await.until("it is there", SOON, () -> pool.latest() != null);
      way.silence(true);
      List<CompletableFuture<Acquisition>> asked =
          Stream.generate(() -> pool.acquire(Pools.one())).limit(10).toList(); // a timeout is 10 s
      way.reset();
      long granted = asked.stream().filter(one -> one.join() instanceof Granted).count();
      assertTrue(granted < 5, "granted at once: " + granted);
    }
  }

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
