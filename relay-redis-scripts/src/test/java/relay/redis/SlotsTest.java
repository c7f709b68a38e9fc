package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.redis.model.Limits;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;
import relay.redis.walk.StoredPool;

/** The ring of a group's closed slots, as Redis holds it. */
@Tag("slow")
final class SlotsTest {
  private static final long NOW = 1_790_000_000_000_000L;
  private static final long SECOND = 1_000_000;
  private static final String GROUP = "g:account0/model";
  private static final int INPUT = 1;
  private static final int FILL = StoredPool.MOST_FEW + 2; // used slots

  private final RedisKeys names = new RedisKeys("slots", Pools.name("p"));
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.names(names.base()).forEach(name -> wire.redis().del(RedisKeys.bytes(name)));
    wire.close();
  }

  private List<Object> call(Step step, long at) {
    return wire.call(step, names, new Clock(at, 0));
  }

  private void configure(Limits limits) {
    call(
        new Step.Configure(0, 7, Pools.plan("slots", Duration.ofMinutes(1), 1, limits)),
        NOW - 15 * SECOND);
  }

  private void grant(String id, long input, long at) {
    assertEquals(
        1L, call(Step.acquire(id, 7, input, 1, 3_600_000, List.of("k:key0", GROUP)), at).get(2));
  }

  /** Until the closed slots are in the ring, and no longer in the group's record. */
  private void fill() {
    for (int n = 0; n < FILL; n++) {
      grant("f" + n, 1, NOW - (FILL - n) * SECOND / 5);
    }
    assertEquals(1, wire.redis().exists(names.win));
  }

  private double used(int d) {
    return new StoredPool(wire.redis().hgetall(names.state)).number(GROUP, 1 + StoredPool.USED + d);
  }

  /** Four bytes hold what a slot usually has. */
  @Test
  void a_slot_may_hold_more_than_four_bytes_can() {
    configure(new Limits(0, 1_000_000_000_000L, 0, 0));
    fill();
    grant("small", 4_294_967_295L, NOW);
    grant("large", 4_294_967_296L, NOW + SECOND);
    grant("next", 5, NOW + 2 * SECOND);
    grant("later", 7, NOW + 3 * SECOND);
    call(Step.settle("large", 4_294_967_290L, 1), NOW + 4 * SECOND); // narrow enough now
    assertEquals(FILL + 2 * 4_294_967_296L + 12 - 7, used(INPUT));
    call(Step.settle("small", 1, 1), NOW + 4 * SECOND);
    grant("much later", 11, NOW + 61 * SECOND);
    assertEquals(4_294_967_290L + 23, used(INPUT));
    grant("last", 13, NOW + 62 * SECOND);
    assertEquals(36, used(INPUT));
  }
}
