package relay.metrics;

import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.config.ServerConfig.Auth;
import relay.config.ServerConfig.Client;
import relay.redis.Budget;
import relay.redis.Dimension;
import relay.redis.KeyPlan;
import relay.redis.KeyPool;
import relay.redis.Limits;
import relay.redis.PoolPlan;
import relay.redis.PoolSnapshot;
import relay.redis.PoolSnapshot.ClientState;
import relay.redis.PoolSnapshot.GroupState;

/**
 * Gauges of each client's used share of its own limits, over all replicas, and of its share of
 * pools.
 */
final class ClientUsage implements MultiCollector {
  private record Bound(@Nullable PoolPlan plan, @Nullable KeyPool pool) {}

  private volatile Bound bound;
  private volatile List<Client> clients;
  private final Supplier<Map<String, ClientState>> states;

  /**
   * @param plan the clients' limits; null if no client has limits
   * @param states what clients have of pools that are short
   */
  ClientUsage(Auth auth, @Nullable PoolPlan plan, Supplier<Map<String, ClientState>> states) {
    clients = clientsOf(auth);
    this.states = states;
    bound = new Bound(plan, null);
  }

  /**
   * @param pool of this plan; null as the plan
   */
  void bind(@Nullable PoolPlan plan, @Nullable KeyPool pool) {
    bound = new Bound(plan, pool);
  }

  void reconfigure(Auth auth) {
    clients = clientsOf(auth);
  }

  private static List<Client> clientsOf(Auth auth) {
    return auth instanceof Auth.Clients(List<Client> all) ? all : List.of();
  }

  @Override
  public MetricSnapshots collect() {
    GaugeSnapshot.Builder used =
        GaugeSnapshot.builder()
            .name("relay_client_used_ratio")
            .help("Used share of a limit of a client's own");
    Bound own = bound;
    if (own.plan() != null) {
      add(used, own.plan(), own.pool() == null ? null : own.pool().latest());
    }
    GaugeSnapshot.Builder budgets =
        GaugeSnapshot.builder()
            .name("relay_client_budget_used_ratio")
            .help("Used share of a client's budget");
    if (own.plan() != null) {
      add(budgets, own.plan(), own.pool());
    }
    GaugeSnapshot.Builder part =
        GaugeSnapshot.builder()
            .name("relay_client_share_ratio")
            .help("What a client was granted of pools that are short, over what is its due");
    GaugeSnapshot.Builder waiting =
        GaugeSnapshot.builder()
            .name("relay_client_waiting")
            .help("Requests of a client that pools refused and expect back, over all replicas");
    Map<String, ClientState> now = states.get();
    for (Client each : clients) {
      Labels labels = Labels.of("client", each.name());
      ClientState state = now.get(each.name());
      double ratio = state == null ? 0 : state.ratio();
      double count = state == null ? 0 : state.waiting();
      part.dataPoint(GaugeDataPointSnapshot.builder().value(ratio).labels(labels).build());
      waiting.dataPoint(GaugeDataPointSnapshot.builder().value(count).labels(labels).build());
    }
    return MetricSnapshots.of(used.build(), budgets.build(), part.build(), waiting.build());
  }

  private static void add(GaugeSnapshot.Builder used, PoolPlan plan, @Nullable PoolSnapshot state) {
    Map<String, GroupState> groups =
        state == null
            ? Map.of()
            : state.groups().stream()
                .collect(Collectors.toMap(GroupState::account, Function.identity()));
    for (KeyPlan client : plan.keys()) {
      GroupState group = groups.get(client.id());
      Limits limits = plan.limitsOf(PoolPlan.group(client.id(), plan.modelClasses().getFirst()));
      for (Dimension dimension : Dimension.values()) {
        long limit = limits.of(dimension);
        if (limit > 0) {
          long now = group == null ? 0 : group.used().of(dimension);
          used.dataPoint(point(client.id(), dimension.label(), (double) now / limit));
        }
      }
      if (client.maxConcurrent() > 0) {
        long now = group == null ? 0 : group.inFlight();
        used.dataPoint(point(client.id(), "concurrent", (double) now / client.maxConcurrent()));
      }
    }
  }

  private static void add(GaugeSnapshot.Builder budgets, PoolPlan plan, @Nullable KeyPool pool) {
    for (KeyPlan client : plan.keys()) {
      if (!client.budgets().isEmpty()) {
        Map<Budget, Long> spent =
            pool == null
                ? Map.of()
                : pool.named().spent(client.id()).stream()
                    .collect(Collectors.toMap(Budget.Spent::budget, Budget.Spent::spent));
        for (Budget budget : client.budgets()) {
          double ratio = (double) spent.getOrDefault(budget, 0L) / budget.limit();
          Labels labels = Labels.of("client", client.id(), "budget", budget.label());
          budgets.dataPoint(GaugeDataPointSnapshot.builder().value(ratio).labels(labels).build());
        }
      }
    }
  }

  private static GaugeDataPointSnapshot point(String client, String dimension, double value) {
    return GaugeDataPointSnapshot.builder()
        .value(value)
        .labels(Labels.of("client", client, "dimension", dimension))
        .build();
  }
}
