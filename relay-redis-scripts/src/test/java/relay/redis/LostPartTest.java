package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import relay.redis.model.Limits;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;

/** A large pool is announced in parts, and the announcement may fail in between. */
final class LostPartTest {
  private static final long NOW = 1_790_000_000_000_000L;
  private static final long REMEMBERED = 99; // an epoch unknown to Redis
  private static final long EPOCH = 7;

  private final RedisKeys names = new RedisKeys("parts", Pools.name("p"));
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private List<Object> configure(long known, int accounts) {
    return call(
        new Step.Configure(
            known,
            EPOCH,
            Pools.plan("parts", Duration.ofMinutes(1), accounts, new Limits(10, 0, 0, 0))));
  }

  private long granted(int account) {
    List<String> fields = List.of("k:key" + account, "g:account" + account + "/model");
    return (Long) call(Step.acquire("lease" + account, EPOCH, 10, 10, 30_000, fields)).get(2);
  }

  private List<Object> call(Step step) {
    return wire.call(step, names, new Clock(NOW, 0));
  }

  @Test
  void a_lost_pool_starts_without_burst_even_if_a_part_was_announced_late() {
    assertEquals(2L, configure(REMEMBERED, 1).get(3));
    assertEquals(1L, configure(REMEMBERED, 2).get(3)); // once more, and by other replicas
    assertEquals(0, granted(0));
    assertEquals(0, granted(1));
  }

  @Test
  void a_group_that_is_new_to_all_starts_full() {
    assertEquals(2L, configure(REMEMBERED, 1).get(3));
    var _ = configure(EPOCH, 2);
    var _ = configure(0, 3);
    assertEquals(0, granted(0));
    assertEquals(1, granted(1));
    assertEquals(1, granted(2));
  }
}
