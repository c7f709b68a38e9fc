package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import relay.redis.library.ScriptFile;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.script.RedisKeys;

/** Turns to probe a quarantined key, on a virtual clock. */
final class ProbationTest {
  private static final long MINUTE = 60_000;

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final byte[] quarantine = RedisKeys.bytes(Pools.name("quarantine"));
  private final byte[] probes = RedisKeys.bytes(Pools.name("probes"));
  private long nowMs = 1_000_000_000;

  @AfterEach
  void close() {
    wire.redis().del(quarantine, probes);
    wire.close();
  }

  private void quarantined(String... keys) {
    for (String key : keys) {
      wire.redis().hset(quarantine, RedisKeys.bytes(key), RedisKeys.bytes("why"));
    }
  }

  private List<Object> turn(String... keys) {
    List<Object> args = new ArrayList<>(List.of(nowMs * 1000, MINUTE));
    args.addAll(List.of(keys));
    List<Object> reply =
        wire.call(ScriptFile.PROBE, new byte[][] {quarantine, probes}, args.toArray());
    return reply.subList(1, reply.size());
  }

  @Test
  void the_first_turn_comes_after_a_minute_and_only_once() {
    quarantined("k");
    assertEquals(List.of(), turn("k"));
    nowMs += MINUTE - 1;
    assertEquals(List.of(), turn("k"));
    nowMs += 1;
    assertEquals(List.of("k"), turn("k"));
    assertEquals(List.of(), turn("k"), "another replica has it");
    long ttl = wire.redis().pttl(probes);
    assertTrue(ttl > 0 && ttl <= 7_200_000, "ttl " + ttl);
  }

  @Test
  void a_key_of_a_large_pool_that_comes_back_is_found_again() {
    EngineOptions options = Pools.options(RedisUnderTest.url(), "r", Fallback.CLOSED);
    try (RedisEngine engine = RedisEngine.start(options)) {
      PoolPlan plan =
          Pools.plan(Pools.name("probation"), Duration.ofMinutes(1), 20, new Limits(9, 0, 0, 0));
      KeyPool pool = engine.pool(plan);
      pool.quarantine(plan.keys().stream().map(KeyPlan::id).toList(), "why");
      assertInstanceOf(NoneUsable.class, pool.acquire(Pools.one()).join());
      engine.probation(plan.name()).restore(List.of("key7")).join();
      Granted granted = assertInstanceOf(Granted.class, pool.acquire(Pools.one()).join());
      assertEquals("key7", granted.lease().key());
    }
  }

  @Test
  void pauses_double_up_to_half_an_hour() {
    quarantined("k");
    List<Long> minutes = new ArrayList<>();
    long last = nowMs;
    turn("k");
    while (minutes.size() < 8) {
      nowMs += MINUTE / 2;
      if (!turn("k").isEmpty()) {
        minutes.add((nowMs - last) / MINUTE);
        last = nowMs;
      }
    }
    assertEquals(List.of(1L, 2L, 4L, 8L, 16L, 30L, 30L, 30L), minutes);
  }

  @Test
  void one_key_has_a_turn_at_a_time_and_each_gets_one() {
    quarantined("a", "b");
    turn("a", "b");
    turn("a", "b");
    nowMs += MINUTE;
    assertEquals(List.of("a"), turn("a", "b"));
    assertEquals(List.of("b"), turn("a", "b"));
    assertEquals(List.of(), turn("a", "b"));
  }

  @Test
  void a_restored_key_has_no_turn_and_keeps_its_pause_if_soon_quarantined_again() {
    quarantined("k");
    turn("k");
    nowMs += MINUTE;
    turn("k");
    wire.redis().hdel(quarantine, RedisKeys.bytes("k"));
    nowMs += MINUTE;
    assertEquals(List.of(), turn("k"));
    quarantined("k");
    assertEquals(List.of(), turn("k"));
    nowMs += MINUTE;
    assertEquals(List.of("k"), turn("k"));
    nowMs += 3 * MINUTE;
    assertEquals(List.of(), turn("k"));
  }

  @Test
  void a_clock_step_back_does_not_delay_the_turn_for_long() {
    quarantined("k");
    turn("k");
    nowMs -= 100 * MINUTE;
    assertEquals(List.of(), turn("k"));
    nowMs += MINUTE;
    assertEquals(List.of("k"), turn("k"));
  }
}
