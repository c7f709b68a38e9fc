package relay.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import relay.redis.Accounting;
import relay.redis.KeyPlan;
import relay.redis.Limits;
import relay.redis.PoolPlan;
import relay.redis.PoolSnapshot;
import relay.redis.PoolSnapshot.GroupState;
import relay.redis.PoolSnapshot.KeyState;
import relay.redis.ProviderBreaker;
import relay.redis.ProviderBreaker.State;
import relay.redis.Strategy;
import relay.redis.Usage;

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
  void a_pool_reads_as_specified() throws Exception {
    String expected =
        """
        { "name": "anthropic", "strategy": "least_loaded", "accounting": "sliding_window", "window_ms": 60000,
          "next_capacity_ms": 0, "replicas": 2, "configs": [], "breaker": { "state": "closed", "next_try_ms": 0 },
          "groups": [ { "id": "acme/default", "account": "acme", "model_class": "default",
              "limits": { "rpm": 50, "itpm": 30000, "otpm": 8000, "tpm": null }, "learned": { "rpm": 50 },
              "used": { "rpm": 12, "itpm": 8100, "otpm": 900, "tpm": 9000 }, "burst": 1.0, "in_flight": 3, "cooldown_ms": 0 } ],
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
  void a_breaker_that_is_not_closed_tells_when_the_next_request_may_try() {
    ProviderBreaker.Standing open =
        new ProviderBreaker.Standing(State.HALF_OPEN, Duration.ofNanos(1_500_000_001));
    assertEquals(
        "{\"state\":\"half_open\",\"next_try_ms\":1501}",
        PoolJson.of(PLAN, snapshot(Duration.ZERO), open).get("breaker").toString());
  }

  @Test
  void a_part_of_a_millisecond_counts_as_one() {
    assertEquals(8, nextCapacity(Duration.ofNanos(7_000_001), key(null, Duration.ZERO, 0, 0)));
  }

  @Test
  void capacity_returns_with_the_earliest_key_that_can_be_used() {
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
  void a_key_with_no_free_place_is_asked_again_after_a_second() {
    assertEquals(1000, nextCapacity(Duration.ZERO, key(null, Duration.ZERO, 4, 4)));
    assertEquals(0, nextCapacity(Duration.ZERO, key(null, Duration.ZERO, 3, 4)));
  }

  @Test
  void capacity_never_returns_to_a_pool_that_is_all_quarantined() {
    PoolSnapshot snapshot = snapshot(Duration.ZERO, key("operator", Duration.ZERO, 0, 0));
    assertEquals("null", PoolJson.of(PLAN, snapshot, CLOSED).get("next_capacity_ms").toString());
    assertEquals(
        "\"quarantined\"", PoolJson.of(PLAN, snapshot, CLOSED).at("/keys/0/status").toString());
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
            1);
    return new PoolSnapshot(opens, 2, 3, 0, List.of(group), List.of(keys));
  }
}
