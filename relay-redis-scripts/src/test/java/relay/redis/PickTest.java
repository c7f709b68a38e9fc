package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.Acquisition.Unavailable;
import relay.redis.model.Demand;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.Usage;

/** Picks keys for uncounted requests. */
final class PickTest {
  private static final Limits ONE_REQUEST = new Limits(1, 0, 0, 0);
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private RedisEngine engine;

  @BeforeEach
  void connect() {
    engine = RedisEngine.start(Pools.options(RedisUnderTest.url(), "r", Fallback.CLOSED));
  }

  @AfterEach
  void close() {
    engine.close();
  }

  private KeyPool pool(List<KeyPlan> keys) {
    return engine.pool(Pools.plan(Pools.name("pick"), MINUTE, keys, ONE_REQUEST));
  }

  private static KeyPlan key(String id, int priority) {
    return new KeyPlan(id, "of-" + id, priority, 1, 1);
  }

  private static String picked(KeyPool pool, Set<String> avoid) {
    Acquisition a = pool.pick(Demand.of(Pools.CLASS, 5_000, 5_000).avoiding(avoid)).join();
    return assertInstanceOf(Granted.class, a).lease().key();
  }

  @Test
  void picks_count_nothing_and_ignore_limits() {
    KeyPool pool = pool(List.of(key("a", 1)));
    for (int n = 0; n < 20; n++) {
      Lease lease = ((Granted) pool.pick(Pools.one()).join()).lease();
      assertEquals(new KeyAndGroup("a", "of-a/model"), KeyAndGroup.of(lease));
      switch (n % 3) {
        case 0 -> lease.settle(1_000, 1_000);
        case 1 -> lease.cancel();
        default -> lease.close();
      }
    }
    PoolSnapshot.GroupState group = pool.snapshot().join().groups().getFirst();
    assertEquals(new Usage(0, 0, 0), group.used());
    assertEquals(0, group.inFlight());
    assertEquals(0, pool.liveLeases());
    // the limit's one request is still available, and does not affect picks
    assertInstanceOf(Granted.class, pool.acquire(Pools.one()).join());
    assertInstanceOf(Exhausted.class, pool.acquire(Pools.one()).join());
    assertEquals("a", picked(pool, Set.of()));
  }

  private record KeyAndGroup(String key, String group) {
    static KeyAndGroup of(Lease lease) {
      return new KeyAndGroup(lease.key(), lease.group());
    }
  }

  @Test
  void all_usable_keys_of_the_highest_priority_are_picked() {
    KeyPool pool = pool(List.of(key("low", 1), key("b", 2), key("c", 2), key("d", 2)));
    Map<String, Integer> picks = new HashMap<>();
    for (int n = 0; n < 600; n++) {
      picks.merge(picked(pool, Set.of()), 1, Integer::sum);
    }
    assertEquals(Set.of("b", "c", "d"), picks.keySet());
    picks.values().forEach(n -> assertTrue(n > 120, picks.toString()));
    assertEquals("d", picked(pool, Set.of("b", "c", "low")));
    assertEquals("low", picked(pool, Set.of("b", "c", "d")));
    assertTrue(Set.of("b", "c", "d").contains(picked(pool, Set.of("b", "c", "d", "low"))));
  }

  @Test
  void cooling_and_quarantined_keys_are_left_out() {
    KeyPool pool = pool(List.of(key("a", 3), key("b", 2), key("c", 1)));
    pool.operator().cooldown("a", Duration.ofMinutes(9)).join();
    assertEquals("b", picked(pool, Set.of()));
    pool.coolGroup("of-b/model", Duration.ofMinutes(5));
    assertEquals("c", picked(pool, Set.of()));
    pool.operator().quarantine("c", "a test").join();
    Exhausted none = assertInstanceOf(Exhausted.class, pool.pick(Pools.one()).join());
    assertEquals(Reason.COOLDOWN, none.reason());
    assertTrue(none.retryAfter().compareTo(Duration.ofMinutes(5)) <= 0, none.toString());
    assertTrue(none.retryAfter().compareTo(Duration.ofMinutes(4)) > 0, none.toString());
    pool.operator().quarantine("a", "a test").join();
    pool.operator().quarantine("b", "a test").join();
    assertInstanceOf(NoneUsable.class, pool.pick(Pools.one()).join());
    pool.operator().restore("b").join();
    assertEquals("b", picked(pool, Set.of()));
  }

  @Test
  void without_redis_a_pick_takes_no_credit() throws Exception {
    for (Fallback fallback : Fallback.values()) {
      try (RedisEngine alone =
          RedisEngine.start(
              Pools.options("redis://127.0.0.1:1", "r", fallback, Duration.ofMillis(50)))) {
        KeyPool pool =
            alone.pool(Pools.plan(Pools.name("alone"), MINUTE, List.of(key("a", 1)), ONE_REQUEST));
        for (int n = 0; n < 20; n++) {
          Acquisition got = pool.pick(Pools.one()).join();
          if (fallback == Fallback.CLOSED) {
            assertInstanceOf(Unavailable.class, got);
          } else {
            assertEquals("a", assertInstanceOf(Granted.class, got).lease().key());
          }
        }
      }
    }
  }
}
