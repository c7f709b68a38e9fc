package relay.pool;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Collection;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import relay.redis.Dimension;
import relay.redis.PoolPlan;
import relay.redis.PoolSnapshot;
import relay.redis.PoolSnapshot.GroupState;
import relay.redis.PoolSnapshot.KeyState;
import relay.redis.ProviderBreaker;

/** A pool's state as JSON, for {@code GET /pools} and {@code relay keys --json}. */
public final class PoolJson {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private PoolJson() {}

  /** {@code {"pools": [...]}}. */
  public static ObjectNode ofAll(Collection<ObjectNode> pools) {
    ObjectNode all = JSON.objectNode();
    all.putArray("pools").addAll(pools);
    return all;
  }

  /**
   * One pool. Unknown limits are {@code null}; durations are rounded up.
   *
   * @param breaker the provider's breaker
   */
  public static ObjectNode of(
      PoolPlan plan, PoolSnapshot snapshot, ProviderBreaker.Standing breaker) {
    ObjectNode pool = JSON.objectNode();
    pool.put("name", plan.name());
    pool.put("strategy", plan.strategy().name().toLowerCase(Locale.ROOT));
    pool.put("accounting", plan.accounting().name().toLowerCase(Locale.ROOT));
    pool.put("window_ms", plan.window().toMillis());
    pool.put("next_capacity_ms", millis(NextCapacity.of(snapshot)));
    pool.put("replicas", snapshot.replicas());
    pool.putObject("breaker")
        .put("state", breaker.state().name().toLowerCase(Locale.ROOT))
        .put("next_try_ms", millis(breaker.nextTry()));
    ArrayNode groups = pool.putArray("groups");
    snapshot.groups().forEach(group -> groups.add(group(group)));
    ArrayNode keys = pool.putArray("keys");
    snapshot.keys().forEach(key -> keys.add(key(key)));
    return pool;
  }

  private static ObjectNode group(GroupState state) {
    ObjectNode group = JSON.objectNode();
    group.put("id", state.id());
    group.put("account", state.account());
    group.put("model_class", state.modelClass());
    ObjectNode limits = group.putObject("limits");
    ObjectNode learned = group.putObject("learned");
    ObjectNode used = group.putObject("used");
    for (Dimension dimension : Dimension.values()) {
      long limit = state.limits().of(dimension);
      limits.put(dimension.label(), limit > 0 ? (Long) limit : null);
      used.put(dimension.label(), state.used().of(dimension));
      if (state.learned().of(dimension) > 0) {
        learned.put(dimension.label(), state.learned().of(dimension));
      }
    }
    group.put("burst", state.burst());
    group.put("in_flight", state.inFlight());
    group.put("cooldown_ms", millis(state.cooldown()));
    return group;
  }

  private static ObjectNode key(KeyState state) {
    ObjectNode key = JSON.objectNode();
    key.put("id", state.id());
    key.put("account", state.account());
    key.put("status", KeyStatus.of(state).label());
    key.put("reason", state.quarantine());
    key.put("cooldown_ms", millis(state.cooldown()));
    key.put("in_flight", state.inFlight());
    key.put("max_concurrent", state.maxConcurrent());
    key.put("priority", state.priority());
    key.put("weight", state.weight());
    return key;
  }

  private static @Nullable Long millis(@Nullable Duration duration) {
    return duration == null ? null : (Long) duration.plusNanos(999_999).toMillis();
  }
}
