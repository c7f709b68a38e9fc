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
import relay.redis.KeyPool;
import relay.redis.model.Budget;
import relay.redis.model.Dimension;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.ClientState;
import relay.redis.model.PoolSnapshot.GroupState;

/**
 * Gauges of each client's used share of its own limits, over all replicas, and of its share of
 * pools. With many clients only those above 0: a page of 10,000 idle ones is some megabytes.
 */
final class ClientUsage implements MultiCollector {
  private static final int MANY = 1_000;

  private record Bound(@Nullable PoolPlan plan, @Nullable KeyPool pool) {}

  private volatile Bound bound;
  private volatile List<Client> clients;
  private final Supplier<Map<String, ClientState>> states;

  /**
   * @param plan the clients' limits; null if no client has limits
   * @param states what clients have of pools that are short
   */
  ClientUsage(Auth auth, @Nullable PoolPlan plan, Supplier<Map<String, ClientState>> states) {
    clients = auth.clients();
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
    clients = auth.clients();
  }

  /** A gauge of all clients; of many only those above 0. */
  private static final class Gauge {
    private final GaugeSnapshot.Builder points;
    private final boolean many;
    private final Labels ofNone;
    private boolean empty = true;

    /**
     * @param ofNone for a metric without a client: an alert on a missing metric needs a series
     */
    Gauge(String name, String help, boolean many, Labels ofNone) {
      points = GaugeSnapshot.builder().name(name).help(help);
      this.many = many;
      this.ofNone = ofNone;
    }

    void add(double value, Labels labels) {
      if (value > 0 || !many) {
        empty = false;
        points.dataPoint(GaugeDataPointSnapshot.builder().value(value).labels(labels).build());
      }
    }

    GaugeSnapshot build() {
      if (empty) {
        points.dataPoint(GaugeDataPointSnapshot.builder().value(0).labels(ofNone).build());
      }
      return points.build();
    }
  }

  @Override
  public MetricSnapshots collect() {
    boolean many = clients.size() > MANY;
    Labels nobody = Labels.of("client", LabelValues.NONE);
    Gauge used =
        new Gauge(
            "relay_client_used_ratio",
            "Used share of a limit of a client's own",
            many,
            Labels.of("client", LabelValues.NONE, "dimension", LabelValues.NONE));
    Gauge budgets =
        new Gauge(
            "relay_client_budget_used_ratio",
            "Used share of a client's budget",
            many,
            Labels.of("client", LabelValues.NONE, "budget", LabelValues.NONE));
    Gauge part =
        new Gauge(
            "relay_client_share_ratio",
            "What a client was granted of pools that are short, over what is its due",
            many,
            nobody);
    Gauge waiting =
        new Gauge(
            "relay_client_waiting",
            "Requests of a client that pools refused and expect back, over all replicas",
            many,
            nobody);
    Bound own = bound;
    if (own.plan() != null) {
      if (own.pool() != null) {
        var _ = own.pool().named().want();
      }
      addUsed(used, own.plan(), own.pool() == null ? null : own.pool().latest());
      addBudgets(budgets, own.plan(), own.pool());
    }
    Map<String, ClientState> now = states.get();
    for (Client each : clients) {
      Labels labels = Labels.of("client", each.name());
      ClientState state = now.get(each.name());
      part.add(state == null ? 0 : state.ratio(), labels);
      waiting.add(state == null ? 0 : (double) state.waiting(), labels);
    }
    return MetricSnapshots.of(used.build(), budgets.build(), part.build(), waiting.build());
  }

  private static void addUsed(Gauge used, PoolPlan plan, @Nullable PoolSnapshot state) {
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
          used.add((double) now / limit, labels(client, dimension.label()));
        }
      }
      if (client.maxConcurrent() > 0) {
        long now = group == null ? 0 : group.inFlight();
        used.add((double) now / client.maxConcurrent(), labels(client, "concurrent"));
      }
    }
  }

  private static Labels labels(KeyPlan client, String dimension) {
    return Labels.of("client", client.id(), "dimension", dimension);
  }

  private static void addBudgets(Gauge budgets, PoolPlan plan, @Nullable KeyPool pool) {
    for (KeyPlan client : plan.keys()) {
      if (!client.budgets().isEmpty()) {
        Map<Budget, Long> spent =
            pool == null
                ? Map.of()
                : pool.named().spent(client.id()).stream()
                    .collect(Collectors.toMap(Budget.Spent::budget, Budget.Spent::spent));
        for (Budget budget : client.budgets()) {
          budgets.add(
              (double) spent.getOrDefault(budget, 0L) / budget.limit(),
              Labels.of("client", client.id(), "budget", budget.label()));
        }
      }
    }
  }
}
