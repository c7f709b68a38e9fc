package relay.metrics;

import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.pool.KeyStatus;
import relay.redis.ProviderBreaker;
import relay.redis.model.Days;
import relay.redis.model.Dimension;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.GroupState;
import relay.redis.model.PoolSnapshot.KeyState;

/**
 * Gauges of every key and quota group, created at scrape time from the pools' latest snapshots. A
 * pool may have 10,000 keys, and Micrometer would keep eight objects for each.
 */
final class PoolCollector implements MultiCollector {

  /** A pool's plan, its latest state if known, and its provider's breaker state. */
  record View(PoolPlan plan, @Nullable PoolSnapshot state, ProviderBreaker.State breaker) {}

  private final Supplier<List<View>> pools;

  PoolCollector(Supplier<List<View>> pools) {
    this.pools = pools;
  }

  @Override
  public MetricSnapshots collect() {
    GaugeSnapshot.Builder used =
        GaugeSnapshot.builder()
            .name("relay_key_used_ratio")
            .help("Used share of a quota group's limit; 0 while the limit is unknown");
    GaugeSnapshot.Builder status =
        GaugeSnapshot.builder()
            .name("relay_key_status")
            .help("1 for a key's current status; 0 for all until the first read from Redis");
    GaugeSnapshot.Builder breaker =
        GaugeSnapshot.builder()
            .name("relay_breaker_state")
            .help("1 for the current state of a provider's breaker");
    for (View view : pools.get()) {
      for (ProviderBreaker.State state : ProviderBreaker.State.values()) {
        breaker.dataPoint(
            point(
                state == view.breaker() ? 1 : 0,
                Labels.of(
                    "pool", view.plan().name(), "state", state.name().toLowerCase(Locale.ROOT))));
      }
      addGroups(used, view);
      addKeys(status, view);
    }
    return MetricSnapshots.of(used.build(), status.build(), breaker.build());
  }

  private static void addGroups(GaugeSnapshot.Builder used, View view) {
    PoolSnapshot state = view.state();
    Map<String, GroupState> groups =
        byId(state == null ? List.of() : state.groups(), GroupState::id);
    for (String id : view.plan().groups()) {
      GroupState group = groups.get(id);
      for (Dimension dimension : Dimension.values()) {
        used.dataPoint(
            point(
                usedRatio(group, dimension),
                Labels.of(
                    "pool", view.plan().name(), "group", id, "dimension", dimension.label())));
      }
      addDay(used, view, id, group);
    }
  }

  /** Only where there is such a limit: few providers have any. */
  private static void addDay(
      GaugeSnapshot.Builder used, View view, String id, @Nullable GroupState group) {
    Days.Count limit = view.plan().days().limits().getOrDefault(id, Days.Count.NONE);
    Days.Count now = group == null ? Days.Count.NONE : group.dayUsed();
    if (limit.requests() > 0) {
      double ratio = (double) now.requests() / limit.requests();
      used.dataPoint(
          point(ratio, Labels.of("pool", view.plan().name(), "group", id, "dimension", "rpd")));
    }
    if (limit.tokens() > 0) {
      double ratio = (double) now.tokens() / limit.tokens();
      used.dataPoint(
          point(ratio, Labels.of("pool", view.plan().name(), "group", id, "dimension", "tpd")));
    }
  }

  private static double usedRatio(@Nullable GroupState group, Dimension dimension) {
    if (group == null || group.limits().of(dimension) == 0) {
      return 0;
    }
    return (double) group.used().of(dimension) / group.limits().of(dimension);
  }

  private static void addKeys(GaugeSnapshot.Builder statuses, View view) {
    PoolSnapshot state = view.state();
    Map<String, KeyState> keys = byId(state == null ? List.of() : state.keys(), KeyState::id);
    for (var planned : view.plan().keys()) {
      KeyState key = keys.get(planned.id());
      KeyStatus has = key == null ? null : KeyStatus.of(key);
      for (KeyStatus status : KeyStatus.values()) {
        statuses.dataPoint(
            point(
                status == has ? 1 : 0,
                Labels.of(
                    "pool", view.plan().name(), "key", planned.id(), "status", status.label())));
      }
    }
  }

  private static <T> Map<String, T> byId(Collection<T> states, Function<T, String> id) {
    return states.stream().collect(Collectors.toMap(id, Function.identity()));
  }

  private static GaugeDataPointSnapshot point(double value, Labels labels) {
    return GaugeDataPointSnapshot.builder().value(value).labels(labels).build();
  }
}
