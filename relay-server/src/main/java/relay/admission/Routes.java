package relay.admission;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import relay.auth.Clients.Caller;
import relay.config.ProviderConfig;
import relay.config.ProviderConfig.Affinity;
import relay.config.RoutingConfig;
import relay.model.Dialect;

/** All providers, and the order in which a request tries them. */
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
  public List<Route> all() {
    return all;
  }

  /** Whether any provider keeps sessions on one account. */
  public boolean keepSessions() {
    return keepSessions;
  }

  /** Whether any provider has {@code passthrough}. */
  public boolean passThroughSomewhere() {
    return all.stream().anyMatch(route -> route.api().config().passthrough());
  }

  /** The providers with {@code passthrough} that the caller may use, in order. */
  public List<Route> passthrough(Caller caller, Dialect dialect, String path) {
    return all.stream()
        .filter(route -> route.api().config().passthrough() && route.isFor(caller, dialect))
        .filter(route -> route.api().serves(path))
        .toList();
  }

  /** The providers for a request, in the order to try them; empty if none serves it. */
  List<Route> choose(Caller caller, String model, Predicate<Route> fits) {
    List<ProviderConfig> able = new ArrayList<>(all.size());
    for (Route route : all) {
      if (route.takes(caller, model) && fits.test(route)) {
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
