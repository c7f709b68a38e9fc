package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;

/** A pool with lost state owes what may have been spent: what one window gives back. */
final class LostDebtTest {
  private static final long NOW = 1_790_000_000_000_000L;
  private static final long WINDOW = 60_000_000;
  private static final long REMEMBERED = 99; // an epoch unknown to Redis
  private static final long EPOCH = 7;
  private static final String GROUP = "account0/model";
  private static final PoolPlan PLAN =
      Pools.plan("lost", Duration.ofNanos(WINDOW * 1_000), 1, new Limits(1_000, 0, 0, 0));

  private final RedisKeys names = new RedisKeys("lost", Pools.name("p"));
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private List<Object> call(Step step, long at) {
    return wire.call(step, names, new Clock(at, 0));
  }

  private void provider(long requests, long at) {
    var _ = call(new Step.Observe(GROUP, List.of(requests, 0L, 0L, 0L), List.of()), at);
  }

  private long granted(String lease, long at) {
    Step ask = Step.acquire(lease, EPOCH, 10, 10, 30_000, List.of("k:key0", "g:" + GROUP));
    return (Long) call(ask, at).get(2);
  }

  @Test
  void a_larger_limits_debt_is_not_paid_at_a_smaller_limits_rate() {
    var _ = call(new Step.Configure(REMEMBERED, EPOCH, PLAN), NOW);
    provider(10, NOW);
    assertEquals(0, granted("at once", NOW));
    assertEquals(1, granted("a window later", NOW + WINDOW));
  }

  @Test
  void later_usage_stays_charged_whatever_the_limit() {
    var _ = call(new Step.Configure(0, EPOCH, PLAN), NOW);
    for (int n = 0; n < 30; n++) {
      assertEquals(1, granted("used " + n, NOW));
    }
    provider(10, NOW);
    assertEquals(0, granted("a window later", NOW + WINDOW + WINDOW / 100));
    assertEquals(1, granted("three windows later", NOW + 3 * WINDOW));
  }
}
