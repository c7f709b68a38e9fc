package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.model.Accounting;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Demand;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;
import relay.redis.script.RedisKeys;

/** The keys that an operator reads with redis-cli only. */
@Tag("slow")
final class PictureTest {
  private final RedisEngine engine =
      RedisEngine.start(Pools.options(RedisUnderTest.url(), "r", Fallback.CLOSED));
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final PoolPlan plan =
      Pools.plan(
          Pools.name("picture"),
          Duration.ofHours(1),
          List.of(new KeyPlan("a-1", "a", 0, 1, 0), new KeyPlan("b-1", "b", 0, 1, 0)),
          new Limits(4, 30_000, 0, 0));
  private final RedisKeys names = new RedisKeys("test", plan.name());

  @AfterEach
  void close() {
    wire.close();
    engine.close();
  }

  private Map<String, String> lines() {
    return lines(names);
  }

  private Map<String, String> lines(RedisKeys of) {
    Map<String, String> lines = new HashMap<>();
    wire.redis().hgetall(of.picture).forEach((k, v) -> lines.put(text(k), text(v)));
    return lines;
  }

  private String summary() {
    return text(Objects.requireNonNull(wire.redis().get(names.summary)));
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private @Nullable String free() {
    byte[] share = wire.redis().hget(names.free, RedisKeys.bytes(Pools.CLASS));
    return share == null ? null : text(share);
  }

  @Test
  void what_is_free_of_a_class_is_told_of_the_keys_that_are_usable() {
    KeyPool pool = engine.pool(plan);
    Granted granted = (Granted) pool.acquire(Demand.of(Pools.CLASS, 100, 20)).join();
    Await.until("1 of 8 requests is used", Duration.ofSeconds(10), () -> "0.875".equals(free()));
    pool.operator().quarantine(granted.lease().key().equals("a-1") ? "b-1" : "a-1", "test").join();
    Await.until("1 of 4", Duration.ofSeconds(10), () -> "0.750".equals(free()));
    pool.operator().quarantine(granted.lease().key(), "test").join();
    Await.until("no key is usable", Duration.ofSeconds(10), () -> "0.000".equals(free()));
    assertTrue(wire.redis().pttl(names.free) <= 10_000);
  }

  @Test
  void every_group_and_key_has_a_line_within_a_second() {
    KeyPool pool = engine.pool(plan);
    Granted granted = (Granted) pool.acquire(Demand.of(Pools.CLASS, 100, 20)).join();
    pool.operator().quarantine(granted.lease().key().equals("a-1") ? "b-1" : "a-1", "test").join();
    String used = granted.lease().group();
    String idle = used.equals("a/model") ? "b/model" : "a/model";
    Await.until(
        "the picture shows the grant and the quarantine",
        Duration.ofSeconds(10),
        () ->
            String.valueOf(lines().get(used)).startsWith("rpm 1/")
                && lines()
                    .containsValue(
                        "status quarantined inflight 0 cooldown_ms 0 account " + idle.charAt(0)));
    assertEquals(
        Map.of(
            used,
            "rpm 1/4 itpm 100/30000 otpm 20/- inflight 1 cooldown_ms 0",
            idle,
            "rpm 0/4 itpm 0/30000 otpm 0/- inflight 0 cooldown_ms 0",
            granted.lease().key(),
            "status active inflight 1 cooldown_ms 0 account " + used.charAt(0),
            idle.charAt(0) + "-1",
            "status quarantined inflight 0 cooldown_ms 0 account " + idle.charAt(0)),
        lines());
  }

  @Test
  void removed_keys_and_groups_leave_the_picture() {
    engine.pool(plan);
    Await.until("all are there", Duration.ofSeconds(10), () -> lines().size() == 4);
    engine.pool(
        Pools.plan(
            plan.name(),
            plan.window(),
            List.of(new KeyPlan("a-1", "a", 0, 1, 0)),
            new Limits(4, 30_000, 0, 0)));
    Await.until(
        "only one is",
        Duration.ofSeconds(10),
        () -> lines().keySet().equals(Set.of("a/model", "a-1")));
  }

  @Test
  void a_key_is_cooling_while_all_its_groups_are() {
    PoolPlan classes =
        new PoolPlan(
            Pools.name("classes"),
            Duration.ofHours(1),
            Strategy.LEAST_LOADED,
            Accounting.SLIDING_WINDOW,
            1,
            List.of("opus", "haiku"),
            List.of(new KeyPlan("a-1", "a", 0, 1, 0)),
            Map.of());
    KeyPool pool = engine.pool(classes);
    refuse(pool, "opus");
    assertEquals(Duration.ZERO, cooldown(pool));
    refuse(pool, "haiku");
    assertTrue(cooldown(pool).compareTo(Duration.ofMinutes(1)) > 0);
    Await.until(
        "the line says so",
        Duration.ofSeconds(10),
        () ->
            lines(new RedisKeys("test", classes.name()))
                .getOrDefault("a-1", "")
                .matches("status cooling inflight 0 cooldown_ms [1-9]\\d{4,} account a"));
    pool.operator().restore("a-1").join();
    assertEquals(Duration.ZERO, cooldown(pool));
  }

  /** Rate-limited by the provider for two minutes. */
  private static void refuse(KeyPool pool, String modelClass) {
    Granted granted = (Granted) pool.acquire(Demand.of(modelClass, 1, 1)).join();
    granted.lease().settle(0, 0);
    pool.refused(granted.lease(), Duration.ofMinutes(2));
  }

  private static Duration cooldown(KeyPool pool) {
    return pool.snapshot().join().keys().getFirst().cooldown();
  }

  @Test
  void one_line_says_when_capacity_returns() {
    KeyPool pool = engine.pool(plan);
    Await.until(
        "there is capacity",
        Duration.ofSeconds(10),
        () ->
            wire.redis().exists(names.summary) == 1
                && summary().equals("replicas 1 leases 0 expired 0 next_capacity_ms 0"));
    for (int n = 0; n < 8; n++) {
      var _ = pool.acquire(Pools.one()).join();
    }
    Await.until(
        "half of both limits is gone at once, and nothing more comes for minutes",
        Duration.ofSeconds(10),
        () -> summary().matches("replicas 1 leases 4 expired 0 next_capacity_ms [1-9]\\d{5}"));
    pool.operator().quarantine("a-1", "test").join();
    pool.operator().quarantine("b-1", "test").join();
    Await.until(
        "no key is left", Duration.ofSeconds(10), () -> summary().endsWith("next_capacity_ms -"));
  }
}
