package relay.pipeline;

import relay.auth.Clients;
import relay.logging.RequestLog;

/**
 * What serves requests under one configuration. A request keeps the generation with which it began,
 * so nothing of its way changes under it. Immutable, but for the count of its requests.
 */
final class Generation {
  private final Clients clients;
  private final ClientQuotas quotas;
  private final Routes routes;
  private final ModelCatalog catalog;
  private final RequestPipeline.Bounds bounds;
  private final RequestLog log;
  private final RunningRequests running = new RunningRequests();

  Generation(RequestPipeline.Serving serving) {
    clients = serving.clients();
    quotas =
        new ClientQuotas(
            serving.clientsPool(),
            serving.limitedClients(),
            serving.clientsTally(),
            new Prices(serving.prices()));
    routes = serving.routes();
    catalog = new ModelCatalog(serving.routes().all());
    bounds = serving.bounds();
    log = serving.log();
  }

  Clients clients() {
    return clients;
  }

  ClientQuotas quotas() {
    return quotas;
  }

  Routes routes() {
    return routes;
  }

  ModelCatalog catalog() {
    return catalog;
  }

  RequestPipeline.Bounds bounds() {
    return bounds;
  }

  RequestLog log() {
    return log;
  }

  RunningRequests running() {
    return running;
  }
}
