package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static relay.redis.PlannedFleet.HOUR;
import static relay.redis.PlannedFleet.MANY;
import static relay.redis.PlannedFleet.group;
import static relay.redis.PlannedFleet.key;
import static relay.redis.PlannedFleet.lease;
import static relay.redis.PlannedFleet.requests;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.Impossible;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.Demand;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;

/** Keys whose limits are not enforced. */
final class ShadowModeTest {
  private final PlannedFleet fleet = new PlannedFleet();
  private final RedisEngine engine = fleet.engine("r1");

  @AfterEach
  void close() {
    fleet.close();
  }

  private static KeyPlan shadow(String id) {
    return new KeyPlan(id, "of-" + id, 0, 1, 0, false);
  }

  @Test
  void in_shadow_mode_nothing_is_refused_and_each_answer_says_what_would_have_been() {
    KeyPool pool =
        engine.pool(Pools.plan(fleet.name(), HOUR, List.of(shadow("a"), shadow("b")), requests(4)));
    int refused = 0;
    for (int n = 0; n < 30; n++) {
      Granted granted = assertInstanceOf(Granted.class, pool.acquire(Pools.one()).join());
      refused += granted.wouldDeny() == Reason.REQUESTS ? 1 : 0;
    }
    assertEquals(26, refused); // half of each limit goes at once
    assertEquals(30, group(pool, "a").used().requests() + group(pool, "b").used().requests());
    pool.reconfigure(fleet.plan(4, "a", "b")).join();
    Exhausted enforced = assertInstanceOf(Exhausted.class, pool.acquire(Pools.one()).join());
    // a window, and not as many windows as limits were used
    assertTrue(enforced.retryAfter().compareTo(HOUR.plusMinutes(10)) < 0, enforced.toString());
  }

  @Test
  void shadow_mode_passes_what_is_too_large_or_cooling_but_uses_no_key_in_quarantine() {
    Limits small = new Limits(0, 100, 0, 0);
    KeyPool pool = engine.pool(Pools.plan(fleet.name(), HOUR, List.of(shadow("a")), small));
    Demand large = Demand.of(Pools.CLASS, 1_000, 0);
    assertEquals(Reason.INPUT_TOKENS, ((Granted) pool.acquire(large).join()).wouldDeny());
    pool.operator().cooldown("a", HOUR).join();
    assertEquals(
        Reason.COOLDOWN, ((Granted) pool.acquire(Demand.of(Pools.CLASS, 0, 0)).join()).wouldDeny());
    pool.operator().quarantine("a", "test").join();
    assertEquals(new NoneUsable(), pool.acquire(large).join());
    assertEquals(1_000, group(pool, "a").used().inputTokens());
  }

  @Test
  void one_key_may_be_in_shadow_mode_beside_others() {
    KeyPool pool =
        engine.pool(Pools.plan(fleet.name(), HOUR, List.of(shadow("a"), key("b")), requests(1)));
    for (int n = 0; n < 3; n++) {
      Granted granted = (Granted) pool.acquire(Pools.one().on("a")).join();
      assertEquals(n == 0, granted.wouldDeny() == null);
    }
    lease(pool.acquire(Pools.one().on("b"))).close();
    assertInstanceOf(Exhausted.class, pool.acquire(Pools.one().on("b")).join());
  }

  @Test
  void a_large_pool_has_a_shadow_mode_too() {
    List<KeyPlan> keys = IntStream.range(0, MANY).mapToObj(n -> shadow("k" + n)).toList();
    KeyPool pool = engine.pool(Pools.plan(fleet.name(), HOUR, keys, new Limits(1, 100, 0, 0)));
    int refused = 0;
    for (int n = 0; n < 3 * MANY; n++) {
      refused += ((Granted) pool.acquire(Pools.one()).join()).wouldDeny() == null ? 0 : 1;
    }
    assertEquals(2 * MANY, refused);
    Demand large = Demand.of(Pools.CLASS, 1_000, 0);
    assertInstanceOf(Granted.class, pool.acquire(large).join());
    List<KeyPlan> enforced = IntStream.range(0, MANY).mapToObj(n -> key("k" + n)).toList();
    pool.reconfigure(Pools.plan(fleet.name(), HOUR, enforced, new Limits(1, 100, 0, 0))).join();
    assertInstanceOf(Exhausted.class, pool.acquire(Pools.one()).join());
    assertInstanceOf(Impossible.class, pool.acquire(large).join());
  }
}
