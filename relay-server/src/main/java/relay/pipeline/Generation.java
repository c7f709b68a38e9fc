package relay.pipeline;

import relay.admission.Admission;
import relay.admission.ClientQuotas;
import relay.admission.Routes;
import relay.auth.Clients;
import relay.logging.RequestLog;

/**
 * What serves requests under one configuration. A request keeps the generation with which it began,
 * so nothing of its way changes under it. Immutable, but for the count of its requests.
 */
final class Generation {
  private final Clients clients;
  private final Admission admission;
  private final ModelCatalog catalog;
  private final RequestPipeline.Bounds bounds;
  private final RequestLog log;
  private final RunningRequests running = new RunningRequests();

  Generation(RequestPipeline.Serving serving) {
    clients = serving.clients();
    admission =
        new Admission(
            serving.clients(),
            serving.clientsPool(),
            serving.limitedClients(),
            serving.clientsTally(),
            serving.prices(),
            serving.routes());
    catalog = new ModelCatalog(serving.routes().all());
    bounds = serving.bounds();
    log = serving.log();
  }

  Clients clients() {
    return clients;
  }

  Admission admission() {
    return admission;
  }

  ClientQuotas quotas() {
    return admission.quotas();
  }

  Routes routes() {
    return admission.routes();
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
