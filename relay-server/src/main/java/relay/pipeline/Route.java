package relay.pipeline;

import java.util.List;
import relay.auth.Clients.Caller;
import relay.model.Dialect;
import relay.model.Endpoint;
import relay.redis.KeyPool;
import relay.upstream.ProviderApi;

/** A provider that requests can go to: how it is called, and the pool of its keys. */
public record Route(ProviderApi api, KeyPool pool) {

  /** Whether a request may and can go there. */
  boolean takes(Caller caller, Dialect dialect, String model) {
    return isFor(caller, dialect) && api.config().serves(model);
  }

  /** Whether the provider speaks the dialect and the caller may use it. */
  boolean isFor(Caller caller, Dialect dialect) {
    return api.config().dialect() == dialect && caller.mayUseProvider(api.config().name());
  }

  /** The first route, in the order of the configuration, that takes the request; empty if none. */
  static List<Route> choose(List<Route> routes, Caller caller, Endpoint endpoint, String model) {
    return routes.stream()
        .filter(route -> route.takes(caller, endpoint.dialect(), model))
        .filter(route -> route.api().serves(endpoint.path()))
        .limit(1)
        .toList();
  }

  String name() {
    return api.config().name();
  }
}
