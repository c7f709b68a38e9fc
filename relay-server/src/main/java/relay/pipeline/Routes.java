package relay.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import relay.auth.Clients.Caller;
import relay.config.ProviderConfig;
import relay.config.ProviderConfig.Affinity;
import relay.config.RoutingConfig;
import relay.model.Dialect;
import relay.model.Endpoint;

/** All providers, and which of them a request goes to, in which order. */
public final class Routes {
  private final List<Route> all;
  private final Map<String, Route> byName;
  private final RoutingOrder order;
  private final boolean keepSessions;

  /**
   * @param all in the order of the configuration
   */
  public Routes(List<Route> all, RoutingConfig config, RandomGenerator random) {
    this.all = List.copyOf(all);
    byName = all.stream().collect(Collectors.toUnmodifiableMap(Route::name, Function.identity()));
    keepSessions =
        all.stream().anyMatch(r -> r.api().config().pooling().affinity() == Affinity.SESSION);
    order = new RoutingOrder(config, this::load, random);
  }

  private double load(ProviderConfig provider, String model) {
    Route route = byName.get(provider.name());
    return route == null ? 0 : PoolUtilization.of(route.pool().latest(), provider.classOf(model));
  }

  /** All, in the order of the configuration. */
  List<Route> all() {
    return all;
  }

  /** Whether any keeps conversations on one account. */
  boolean keepSessions() {
    return keepSessions;
  }

  /** Whether any lets requests pass unread. */
  boolean passThroughSomewhere() {
    return all.stream().anyMatch(route -> route.api().config().passthrough());
  }

  /** The first that lets requests pass unread, of those that a caller may use; empty if none. */
  List<Route> passthrough(Caller caller, Dialect dialect, String path) {
    return all.stream()
        .filter(route -> route.api().config().passthrough() && route.isFor(caller, dialect))
        .filter(route -> route.api().serves(path))
        .limit(1)
        .toList();
  }

  /** Those that take a request, the first to be asked first; empty if none does. */
  List<Route> choose(Caller caller, Endpoint endpoint, String model) {
    List<ProviderConfig> able = new ArrayList<>(all.size());
    for (Route route : all) {
      if (route.takes(caller, endpoint.dialect(), model) && route.api().serves(endpoint.path())) {
        able.add(route.api().config());
      }
    }
    List<Route> chosen = new ArrayList<>(able.size());
    for (ProviderConfig provider : able.isEmpty() ? able : order.of(able, model)) {
      chosen.add(Objects.requireNonNull(byName.get(provider.name())));
    }
    return chosen;
  }
}
