package relay.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import relay.redis.ProviderBreaker;
import relay.redis.ProviderBreaker.State;
import relay.redis.model.Accounting;
import relay.redis.model.Days;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.GroupState;
import relay.redis.model.PoolSnapshot.KeyState;
import relay.redis.model.Strategy;
import relay.redis.model.Usage;

class PoolJsonTest {
  private static final PoolPlan PLAN =
      new PoolPlan(
          "anthropic",
          Duration.ofMinutes(1),
          Strategy.LEAST_LOADED,
          Accounting.SLIDING_WINDOW,
          1,
          List.of("default"),
          List.of(new KeyPlan("acme-1", "acme", 1, 1, 0)),
          Map.of());

  private static final ProviderBreaker.Standing CLOSED =
      new ProviderBreaker.Standing(State.CLOSED, Duration.ZERO);

  @Test
  void a_pools_json_matches_the_specification() throws Exception {
    String expected =
        """
        { "name": "anthropic", "strategy": "least_loaded", "accounting": "sliding_window", "window_ms": 60000,
          "next_capacity_ms": 0, "replicas": 2, "configs": [], "breaker": { "state": "closed", "next_try_ms": 0 },
          "groups": [ { "id": "acme/default", "account": "acme", "model_class": "default",
              "limits": { "rpm": 50, "itpm": 30000, "otpm": 8000, "tpm": null }, "learned": { "rpm": 50 },
              "used": { "rpm": 12, "itpm": 8100, "otpm": 900, "tpm": 9000 }, "reserved_output": 400, "burst": 1.0, "in_flight": 3, "cooldown_ms": 0,
              "rule": "sliding_window", "why": "configured" } ],
          "keys": [ { "id": "acme-1", "account": "acme", "status": "active", "reason": null, "cooldown_ms": 0,
              "in_flight": 3, "max_concurrent": 0, "priority": 1, "weight": 1 } ] }
        """;
    PoolSnapshot snapshot =
        snapshot(Duration.ZERO, new KeyState("acme-1", "acme", null, Duration.ZERO, 3, 0, 1, 1));
    ObjectMapper mapper = new ObjectMapper();
    assertEquals(
        mapper.readTree(expected).toString(), PoolJson.of(PLAN, snapshot, CLOSED).toString());
  }

  @Test
  void limits_a_day_stand_beside_those_of_the_window() {
    GroupState group =
        new GroupState(
            "acme/default",
            "acme",
            "default",
            Limits.UNKNOWN,
            new Usage(1, 2, 3),
            0,
            Duration.ZERO,
            Duration.ZERO,
            Limits.UNKNOWN,
            1,
            0,
            Accounting.TOKEN_BUCKET,
            "configured",
            new Days.Count(1_000, 0),
            new Days.Count(250, 90_000));
    PoolSnapshot snapshot = new PoolSnapshot(Duration.ZERO, 1, 0, 0, List.of(group), List.of());
    var json = PoolJson.of(PLAN, snapshot, CLOSED).at("/groups/0");
    assertEquals(
        "{\"rpm\":null,\"itpm\":null,\"otpm\":null,\"tpm\":null,\"rpd\":1000}",
        json.get("limits").toString());
    assertEquals(
        "{\"rpm\":1,\"itpm\":2,\"otpm\":3,\"tpm\":5,\"rpd\":250}", json.get("used").toString());
  }

  @Test
  void an_open_or_half_open_breaker_shows_the_time_of_the_next_trial() {
    ProviderBreaker.Standing open =
        new ProviderBreaker.Standing(State.HALF_OPEN, Duration.ofNanos(1_500_000_001));
    assertEquals(
        "{\"state\":\"half_open\",\"next_try_ms\":1501}",
        PoolJson.of(PLAN, snapshot(Duration.ZERO), open).get("breaker").toString());
  }

  @Test
  void fractions_of_a_millisecond_are_rounded_up() {
    assertEquals(8, nextCapacity(Duration.ofNanos(7_000_001), key(null, Duration.ZERO, 0, 0)));
  }

  @Test
  void next_capacity_is_that_of_the_earliest_usable_key() {
    Duration second = Duration.ofSeconds(1);
    assertEquals(
        1000,
        nextCapacity(
            Duration.ZERO,
            key(null, second.multipliedBy(3), 0, 0),
            key(null, second, 0, 0),
            key("401", Duration.ZERO, 0, 0)));
    assertEquals(5000, nextCapacity(second.multipliedBy(5), key(null, second, 0, 0)));
  }

  @Test
  void a_key_at_max_concurrent_advises_a_retry_after_a_second() {
    assertEquals(1000, nextCapacity(Duration.ZERO, key(null, Duration.ZERO, 4, 4)));
    assertEquals(0, nextCapacity(Duration.ZERO, key(null, Duration.ZERO, 3, 4)));
  }

  @Test
  void a_fully_quarantined_pool_has_no_next_capacity() {
    PoolSnapshot snapshot = snapshot(Duration.ZERO, key("operator", Duration.ZERO, 0, 0));
    assertEquals("null", PoolJson.of(PLAN, snapshot, CLOSED).get("next_capacity_ms").toString());
    assertEquals(
        "\"quarantined\"", PoolJson.of(PLAN, snapshot, CLOSED).at("/keys/0/status").toString());
  }

  @Test
  void a_cooling_key_tells_who_cools_it_down() {
    Duration minute = Duration.ofMinutes(1);
    assertEquals("provider answered 429", reason(minute, minute));
    assertEquals("operator", reason(Duration.ZERO, minute));
    assertEquals("operator", reason(minute, minute.multipliedBy(2)));
    assertEquals("null", reason(Duration.ZERO, Duration.ZERO));
  }

  /** A key's reason. Its account also has a free class, which is no part of the cooldown. */
  private static String reason(Duration ofGroup, Duration ofKey) {
    KeyState key = key(null, ofKey, 0, 0);
    PoolSnapshot state =
        new PoolSnapshot(
            Duration.ZERO,
            1,
            0,
            0,
            List.of(group("default", ofGroup), group("default+fast", Duration.ZERO)),
            List.of(key));
    return PoolJson.of(PLAN, state, CLOSED).at("/keys/0/reason").asText();
  }

  private static GroupState group(String modelClass, Duration cooldown) {
    return new GroupState(
        "acme/" + modelClass,
        "acme",
        modelClass,
        Limits.UNKNOWN,
        new Usage(0, 0, 0),
        0,
        cooldown,
        cooldown,
        Limits.UNKNOWN,
        1,
        0);
  }

  private static long nextCapacity(Duration groupOpens, KeyState... keys) {
    return PoolJson.of(PLAN, snapshot(groupOpens, keys), CLOSED).get("next_capacity_ms").asLong();
  }

  private static KeyState key(
      @Nullable String quarantine, Duration cooldown, long inFlight, int most) {
    return new KeyState("acme-1", "acme", quarantine, cooldown, inFlight, most, 1, 1);
  }

  private static PoolSnapshot snapshot(Duration opens, KeyState... keys) {
    GroupState group =
        new GroupState(
            "acme/default",
            "acme",
            "default",
            new Limits(50, 30_000, 8_000, 0),
            new Usage(12, 8_100, 900),
            3,
            Duration.ZERO,
            opens,
            new Limits(50, 0, 0, 0),
            1,
            400);
    return new PoolSnapshot(opens, 2, 3, 0, List.of(group), List.of(keys));
  }
}
