package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Demand;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;

/** A demand for one named key: it stands for a limit, whatever capacity other keys have. */
final class OneKeyTest {
  private final RedisEngine engine =
      RedisEngine.start(Pools.options(RedisUnderTest.url(), "r", Fallback.CLOSED));

  @AfterEach
  void close() {
    engine.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 40})
  void only_the_named_key_serves_it(int keys) {
    KeyPool pool =
        engine.pool(
            Pools.plan(
                Pools.name("one"),
                Duration.ofDays(1),
                IntStream.range(0, keys)
                    .mapToObj(n -> new KeyPlan("key" + n, "account" + n, 0, 1, 0))
                    .toList(),
                new Limits(10, 0, 0, 0)));
    Demand demand = Pools.one().on("key1");
    List<Acquisition> all =
        IntStream.range(0, 8).mapToObj(n -> pool.acquire(demand).join()).toList();
    // level + 1 <= 10 - used: five of ten at once
    for (Acquisition a : all.subList(0, 5)) {
      assertEquals("key1", assertInstanceOf(Granted.class, a).lease().key());
    }
    all.subList(5, 8).forEach(a -> assertInstanceOf(Exhausted.class, a));
  }
}
