package relay.pool;

import static java.util.Comparator.naturalOrder;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BinaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.redis.ProviderBreaker;
import relay.redis.model.Dimension;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.GroupState;
import relay.redis.model.PoolSnapshot.KeyState;

/** A pool's state as JSON, for {@code GET /pools} and {@code relay keys --json}. */
public final class PoolJson {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private PoolJson() {}

  /**
   * The configuration of the program that answers: a replica or a command.
   *
   * @param since when it took effect; null if it is a file's that was just read
   * @param needRestart settings in its file that hold from the next start only
   */
  public record Configuration(
      String hash, @Nullable Instant since, List<String> needRestart, List<String> refused) {
    public Configuration {
      needRestart = List.copyOf(needRestart);
      refused = List.copyOf(refused);
    }
  }

  /**
   * {@code {"config": {...}, "fleet": [...], "replicas": [...], "pools": [...]}}. {@code fleet} has
   * each configuration that a live replica runs with: more than one while a change goes through.
   *
   * @param own null if the program that answers has none; then there is no {@code config}
   * @param replicas the {@link ReplicaLine} of each, by id
   */
  public static ObjectNode ofAll(
      @Nullable Configuration own, Map<String, String> replicas, Collection<ObjectNode> pools) {
    ObjectNode all = JSON.objectNode();
    if (own != null) {
      ObjectNode config = all.putObject("config");
      config.put("hash", own.hash());
      config.put("since", own.since() == null ? null : seconds(own.since()));
      own.needRestart().forEach(config.putArray("need_restart")::add);
      own.refused().forEach(config.putArray("refused")::add);
    }
    all.putArray("fleet").addAll(fleet(pools));
    all.set("replicas", ReplicaLine.json(replicas));
    all.putArray("pools").addAll(pools);
    return all;
  }

  /** A replica is in the pools of its own configuration only: by hash, where most are seen. */
  private static Collection<JsonNode> fleet(Collection<ObjectNode> pools) {
    Map<String, JsonNode> byHash = new LinkedHashMap<>();
    for (ObjectNode pool : pools) {
      for (JsonNode one : pool.path("configs")) {
        byHash.merge(
            one.path("hash").asText(),
            one,
            (known, more) ->
                more.path("replicas").asInt() > known.path("replicas").asInt() ? more : known);
      }
    }
    return byHash.values();
  }

  static String seconds(Instant instant) {
    return instant.truncatedTo(ChronoUnit.SECONDS).toString();
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
    ArrayNode configs = pool.putArray("configs");
    for (PoolSnapshot.ConfigState config : snapshot.configs()) {
      configs
          .addObject()
          .put("hash", config.hash())
          .put("since", seconds(config.since()))
          .put("replicas", config.replicas());
    }
    pool.putObject("breaker")
        .put("state", breaker.state().name().toLowerCase(Locale.ROOT))
        .put("next_try_ms", millis(breaker.nextTry()));
    ArrayNode groups = pool.putArray("groups");
    snapshot.groups().forEach(group -> groups.add(group(group)));
    ArrayNode keys = pool.putArray("keys");
    Map<String, Duration> refused = refused(snapshot);
    snapshot.keys().forEach(key -> keys.add(key(key, refused)));
    return pool;
  }

  /** Adds what an operator should mend: accounts that are one organisation and count apart. */
  public static ObjectNode warn(ObjectNode pool, List<List<String>> ofOneOrganization) {
    ArrayNode warnings = pool.putArray("warnings");
    for (List<String> list : ofOneOrganization) {
      ArrayNode accounts =
          warnings.addObject().put("code", "one_organization").putArray("accounts");
      list.forEach(accounts::add);
    }
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
    addDay(limits, used, state);
    group.put("reserved_output", state.reservedOutput());
    group.put("burst", state.burst());
    group.put("in_flight", state.inFlight());
    group.put("cooldown_ms", millis(state.cooldown()));
    group.put("rule", state.rule().name().toLowerCase(Locale.ROOT));
    group.put("why", state.why());
    return group;
  }

  /** Only where there is such a limit: few providers have any. */
  private static void addDay(ObjectNode limits, ObjectNode used, GroupState state) {
    if (state.dayLimits().requests() > 0) {
      limits.put("rpd", state.dayLimits().requests());
      used.put("rpd", state.dayUsed().requests());
    }
    if (state.dayLimits().tokens() > 0) {
      limits.put("tpd", state.dayLimits().tokens());
      used.put("tpd", state.dayUsed().tokens());
    }
  }

  /** How long each account is cooled down by its provider's refusals: the least of its groups. */
  private static Map<String, Duration> refused(PoolSnapshot snapshot) {
    return snapshot.groups().stream()
        .filter(group -> group.modelClass().indexOf('+') < 0) // a sub-quota is not the account
        .collect(
            Collectors.toMap(
                GroupState::account, GroupState::cooldown, BinaryOperator.minBy(naturalOrder())));
  }

  /** Only an operator cools a key down; a provider's refusal does so to its account's groups. */
  private static @Nullable String reason(KeyState state, Map<String, Duration> refused) {
    if (state.quarantine() != null || state.cooldown().isZero()) {
      return state.quarantine();
    }
    Duration ofAccount = refused.getOrDefault(state.account(), Duration.ZERO);
    return state.cooldown().minus(ofAccount).toMillis() > 0
        ? QuarantineReason.OPERATOR
        : QuarantineReason.refused(429);
  }

  private static ObjectNode key(KeyState state, Map<String, Duration> refused) {
    ObjectNode key = JSON.objectNode();
    key.put("id", state.id());
    key.put("account", state.account());
    key.put("status", KeyStatus.of(state).label());
    key.put("reason", reason(state, refused));
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
