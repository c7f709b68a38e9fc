package relay.admission;

import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import relay.auth.Clients;
import relay.auth.Clients.Caller;
import relay.config.PriceConfig;
import relay.redis.KeyPool;
import relay.redis.UsageTally;

/** What admits requests under one configuration. Thread-safe. */
public final class Admission {
  private final Clients clients;
  private final ClientQuotas quotas;
  private final Routes routes;

  /**
   * @param clientsPool where clients' own limits are kept; null if no client has any
   * @param limited names of the clients that have
   * @param tally counts what clients without limits use
   * @param prices of models, for budgets
   */
  public Admission(
      Clients clients,
      @Nullable KeyPool clientsPool,
      Set<String> limited,
      UsageTally tally,
      List<PriceConfig> prices,
      Routes routes) {
    this.clients = clients;
    this.routes = routes;
    quotas = new ClientQuotas(clientsPool, limited, tally, new Prices(prices));
  }

  /** The clients' own limits. */
  public ClientQuotas quotas() {
    return quotas;
  }

  /** All providers. */
  public Routes routes() {
    return routes;
  }

  /**
   * The providers that serve a model to a client, in the order to try them; empty if none does.
   *
   * @param fits whether the request can be sent to a provider at all
   */
  public List<Route> providers(Caller caller, String model, Predicate<Route> fits) {
    return caller.mayUseModel(model) ? routes.choose(caller, model, fits) : List.of();
  }

  /**
   * What was granted before, perhaps by another replica.
   *
   * @param request as it was granted
   * @return null if the provider is not configured any more
   */
  public @Nullable OpenLease again(
      LeaseGrant grant, LeaseRequest request, Caller caller, RequestRecord record) {
    for (Route route : routes.all()) {
      if (route.name().equals(grant.provider())) {
        return new OpenLease(quotas, route, grant, request, caller, record);
      }
    }
    return null;
  }

  /** The providers that may serve a request: the one whose account made what it names, if known. */
  public static List<Route> owners(List<Route> chosen, List<String> states) {
    return NamedStates.owners(chosen, states);
  }

  /**
   * Begins to look for the leases of a request. Blocks if Redis must tell who made what it names.
   *
   * @param chosen its providers, at least one
   */
  public LeaseSearch search(
      LeaseRequest request,
      Caller caller,
      List<Route> chosen,
      RequestRecord record,
      Cancellation cancellation) {
    List<Route> able = NamedStates.owners(chosen, request.states());
    List<Route> priced = request.counted() ? quotas.priced(caller, able, request.model()) : able;
    return new LeaseSearch(
        request,
        record,
        cancellation,
        quotas.of(caller, request.counted()),
        new RouteAttempts(
            priced,
            request,
            new Claim(clients.shares(), caller, request.priority()),
            new Stops(record.meters(), record.clientName())),
        priced.isEmpty() ? able.getFirst() : null);
  }
}
