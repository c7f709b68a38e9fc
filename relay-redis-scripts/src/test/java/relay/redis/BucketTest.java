package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import relay.redis.model.Accounting;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;

/** Pools that mirror the buckets of their provider. */
final class BucketTest {
  private static final long EPOCH = 7;
  private static final String GROUP = "/" + Pools.CLASS;

  private final RedisKeys names = new RedisKeys("bucket", Pools.name("p"));
  private long micros = 1_790_000_000_000_000L;
  private long next;

  /** Old usage is no load once the bucket is full again, however large it was. */
  @Test
  void the_least_loaded_bucket_is_the_one_with_the_least_debt() {
    try (ScriptConnection wire = new ScriptConnection(RedisUnderTest.url())) {
      List<KeyPlan> keys =
          List.of(new KeyPlan("k0", "a0", 0, 1, 0), new KeyPlan("k1", "a1", 0, 1, 0));
      Limits limits = new Limits(100, 0, 0, 0);
      call(
          wire,
          new Step.Configure(
              0,
              EPOCH,
              new PoolPlan(
                  "bucket",
                  Duration.ofMinutes(1),
                  Strategy.LEAST_LOADED,
                  Accounting.TOKEN_BUCKET,
                  1,
                  List.of(Pools.CLASS),
                  keys,
                  Map.of("a0" + GROUP, limits, "a1" + GROUP, limits))));
      List<String> first = List.of("k:k0", "g:a0" + GROUP);
      List<String> second = List.of("k:k1", "g:a1" + GROUP);
      for (int n = 0; n < 20; n++) {
        assertEquals("k0", acquire(wire, first));
      }
      micros += Duration.ofSeconds(20).toNanos() / 1_000; // 12 s would do
      assertEquals("k1", acquire(wire, second));
      assertEquals("k0", acquire(wire, List.of("k:k0", "g:a0" + GROUP, "k:k1", "g:a1" + GROUP)));
    }
  }

  private Object acquire(ScriptConnection wire, List<String> fields) {
    String id = "l" + next++;
    return call(wire, Step.acquire(id, EPOCH, 1, 1, 30_000, fields)).get(3);
  }

  private List<Object> call(ScriptConnection wire, Step step) {
    Clock clock = new Clock(micros, 0);
    return wire.call(step, names, clock);
  }

  /**
   * However often a provider refuses, a 64th of the limit is still admitted at once, at the full
   * rate.
   */
  @Test
  void a_burst_is_not_halved_for_ever() {
    try (ScriptConnection wire = new ScriptConnection(RedisUnderTest.url())) {
      List<KeyPlan> one = Picks.keys(1, 0, 1);
      Map<String, Limits> limits = Map.of("a0/model", new Limits(6_400, 0, 0, 0));
      Picks picks = new Picks(wire, Strategy.LEAST_LOADED, one, limits);
      for (int n = 0; n < 12; n++) {
        picks.refused(one.getFirst());
        picks.pass(2_000_000);
      }
      long granted = picks.many(200).stream().filter(key -> !key.isEmpty()).count();
      assertTrue(granted >= 50 && granted <= 101, granted + " at once");
    }
  }
}
