package relay.pipeline;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import relay.admission.Admission;
import relay.admission.LeaseSearch;
import relay.admission.Route;
import relay.admission.Routes;
import relay.auth.Clients;
import relay.auth.Clients.Caller;
import relay.body.Payload;
import relay.config.PriceConfig;
import relay.leases.LeaseApi;
import relay.logging.RequestLine;
import relay.logging.RequestLog;
import relay.metrics.Meters;
import relay.model.Endpoint;
import relay.model.RelayError;
import relay.redis.KeyPool;
import relay.redis.UsageTally;
import relay.request.BadRequest;
import relay.request.RequestFacts;
import relay.trace.Tracing;

/**
 * The steps of a request: authenticate, read, scan, choose the provider, estimate, acquire, and
 * then in {@link AttemptLoop} send, stream and settle.
 *
 * <p>Blocking code on a virtual thread.
 */
public final class RequestPipeline {
  private static final Set<String> BODILESS = Set.of("GET", "HEAD");

  private final Generations generations;
  private final Meters meters;
  private final BackgroundResponses background;
  private final @Nullable Tracing tracing;
  private final LeaseApi leases;

  /**
   * Bounds of one replica.
   *
   * @param maxBodyBytes of a request's body
   * @param maxUploadBytes of the body of a request that passes unparsed
   * @param maxConcurrent concurrent requests; 0 for no bound
   * @param patience how long attempts of a request may begin
   */
  public record Bounds(
      int maxBodyBytes, int maxUploadBytes, int maxConcurrent, Duration patience) {}

  /**
   * What serves requests under one configuration.
   *
   * @param clientsPool where clients' own limits are kept; null if no client has any
   * @param limitedClients names of the clients that have
   * @param clientsTally counts what clients without limits use
   * @param prices of models, for budgets
   */
  public record Serving(
      Clients clients,
      @Nullable KeyPool clientsPool,
      Set<String> limitedClients,
      UsageTally clientsTally,
      List<PriceConfig> prices,
      Routes routes,
      Bounds bounds,
      RequestLog log) {}

  /**
   * @param tracing null if requests are not traced
   * @param leases for workers that call providers by themselves
   */
  public RequestPipeline(
      Serving first,
      Meters meters,
      @Nullable Tracing tracing,
      Duration background,
      LeaseApi leases) {
    this.leases = leases;
    generations = new Generations(new Generation(first));
    this.meters = meters;
    this.tracing = tracing;
    this.background = new BackgroundResponses(background);
  }

  /**
   * Serves requests that begin from now on in another way. Requests that have begun go on as they
   * began.
   *
   * @param ended called once, from any thread, when the last of those has ended
   */
  public void serveBy(Serving next, Runnable ended) {
    generations.replace(new Generation(next), ended);
  }

  /** Requests without an answer yet. */
  public int running() {
    return generations.running();
  }

  /** Cancels all requests. Their clients get an error: this replica stops. */
  public void cutOff() {
    generations.cutOff();
  }

  /**
   * Counts and logs a request that was refused for its path, method or head, before the pipeline.
   */
  public void refusedAtOnce(String id, int status) {
    meters.refusedAtOnce(status);
    RequestLog log = generations.current().log();
    if (log.takes(status)) {
      log.write(RequestLine.refused(id, status));
    }
  }

  /**
   * Serves a request whose head was read. Blocks until it is answered, or another thread continues
   * it.
   */
  public void serve(ClientExchange client, Endpoint endpoint) {
    admit(client, entry -> serve(entry, endpoint));
  }

  private void serve(Entry entry, Endpoint endpoint) {
    RequestContext request = entry.request();
    RelayError wrongHead = RequestBodies.wrongHead(request.client());
    if (wrongHead != null) {
      request.answer().refuse(wrongHead);
      return;
    }
    Payload body = RequestBodies.read(request, entry.generation().bounds().maxBodyBytes());
    if (body == null) {
      return;
    }
    try {
      boolean sessions = entry.generation().routes().keepSessions();
      switch (RequestBodies.scan(request.client(), endpoint, body, sessions)) {
        case BadRequest bad -> request.answer().refuse(RelayError.invalid(bad.message()));
        case RequestFacts facts -> route(entry, endpoint, body, facts);
      }
    } finally {
      body.release();
    }
  }

  /**
   * Serves a request for an unknown path below {@code /v1/}: it passes unparsed to the provider
   * with {@code passthrough} that made what it names, else to the first one. Blocks as {@link
   * #serve} does.
   */
  public void passThrough(ClientExchange client) {
    admit(client, true, this::passThrough);
  }

  private void passThrough(Entry entry) {
    RequestContext request = entry.request();
    ClientExchange client = request.client();
    List<Route> chosen =
        entry
            .generation()
            .routes()
            .passthrough(entry.caller(), client.dialect(), TargetPath.of(client.target()));
    if (chosen.isEmpty() || !entry.caller().mayUseAnyModel()) {
      request.answer().refuse(RoutingErrors.nothingAt(client.target()));
      return;
    }
    String fault = TargetPath.fault(client.target(), chosen.getFirst().api().config().dialect());
    if (fault != null) {
      request.answer().refuse(RelayError.invalid(fault));
      return;
    }
    RelayError wrongPriority = PriorityHeader.fault(client);
    if (wrongPriority != null) {
      request.answer().refuse(wrongPriority);
      return;
    }
    RelayError spent =
        TargetPath.mayCost(client.method(), client.target())
            ? entry.generation().quotas().spentBudget(entry.caller(), client.dialect())
            : null;
    if (spent != null) {
      request.meters().clients().denied(entry.caller().name(), "budget");
      request.answer().refuse(spent);
      return;
    }
    Bounds bounds = entry.generation().bounds();
    boolean held = chosen.stream().anyMatch(route -> route.api().signsBodies());
    Payload body =
        held
            ? RequestBodies.read(request, bounds.maxBodyBytes())
            : RequestBodies.readOrPass(request, bounds.maxUploadBytes());
    if (body == null) {
      return;
    }
    try {
      if (body.length() > 0 && BODILESS.contains(client.method())) {
        request.answer().refuse(RelayError.invalid("a " + client.method() + " has no body"));
      } else {
        List<String> states = NamedIds.in(client.target(), client.header("content-type"), body);
        forward(
            entry,
            Admission.owners(chosen, states).subList(0, 1), // the first if nobody owns them
            ParsedRequest.unread(
                client.dialect(),
                client.method(),
                body,
                states,
                client::header,
                bounds.patience()));
      }
    } finally {
      body.release();
    }
  }

  /** Lists the models of the configuration. */
  public void models(ClientExchange client) {
    admit(
        client,
        entry ->
            entry
                .request()
                .answer()
                .json(entry.generation().catalog().list(entry.caller(), client.dialect())));
  }

  /** Describes one model of the configuration. */
  public void model(ClientExchange client, String id) {
    admit(
        client, entry -> entry.generation().catalog().answer(entry.request(), entry.caller(), id));
  }

  /** Answers a worker that calls providers by itself. Blocks as {@link #serve} does. */
  public void lease(ClientExchange client) {
    admit(
        client,
        entry -> LeaseApiCalls.serve(leases, entry.request(), entry.generation(), entry.caller()));
  }

  /** Answers with the client's own limits and use. */
  public void usage(ClientExchange client) {
    admit(
        client,
        entry -> UsageAnswer.give(entry.request().answer(), entry.generation(), entry.caller()));
  }

  /** A request of an authenticated client, while the replica has room for it. */
  private record Entry(
      RequestContext request, RequestResources resources, Generation generation, Caller caller) {}

  private void admit(ClientExchange client, Consumer<Entry> next) {
    admit(client, false, next);
  }

  /**
   * Authenticates the client and continues, or refuses the request.
   *
   * @param unknownPath whether it is to pass unread: without such a route no request is asked for a
   *     credential
   */
  private void admit(ClientExchange client, boolean unknownPath, Consumer<Entry> next) {
    Generation entered = generations.current();
    int others = entered.running().enter();
    while (entered != generations.current()) { // replaced meanwhile, and perhaps over
      entered.running().abandon();
      entered = generations.current();
      others = entered.running().enter();
    }
    Generation generation = entered;
    RequestContext request =
        new RequestContext(
            client,
            meters,
            background,
            tracing,
            generation.log(),
            generation.running(),
            others + generations.othersThan(generation));
    request.run(
        resources -> {
          if (unknownPath && !generation.routes().passThroughSomewhere()) {
            request.answer().refuse(RoutingErrors.nothingAt(client.target()));
            return;
          }
          Caller caller = authenticate(request, generation);
          if (caller != null) {
            next.accept(new Entry(request, resources, generation, caller));
          }
        });
  }

  /** Null when the request was refused. */
  private static @Nullable Caller authenticate(RequestContext request, Generation generation) {
    ClientExchange client = request.client();
    Caller caller =
        generation
            .clients()
            .authenticate(client.header("x-api-key"), client.header("authorization"));
    if (caller == null) {
      request
          .answer()
          .refuse(
              RelayError.unauthenticated(
                  "no client of Relay has this key: send it as x-api-key or Authorization:"
                      + " Bearer"));
      return null;
    }
    client.authenticated(generation.clients().areSeveral() ? caller.name() : null);
    request.record().clientName(caller.name());
    request.answer().limits(generation.quotas().own(caller));
    int most = generation.bounds().maxConcurrent();
    if (most > 0 && request.othersRunning() >= most) {
      request
          .answer()
          .refuse(
              RelayError.overloaded(
                  client.dialect(), "this replica already serves server.max_concurrent requests"));
      return null;
    }
    return caller;
  }

  private void route(Entry entry, Endpoint endpoint, Payload body, RequestFacts facts) {
    List<Route> chosen =
        entry
            .generation()
            .admission()
            .providers(
                entry.caller(),
                facts.model(),
                route ->
                    route.api().config().dialect() == endpoint.dialect()
                        && route.api().serves(endpoint.path()));
    if (chosen.isEmpty()) {
      entry.request().answer().refuse(RoutingErrors.unserved(endpoint.dialect(), facts.model()));
      return;
    }
    forward(
        entry,
        chosen,
        ParsedRequest.of(
            endpoint,
            facts,
            body,
            entry.request().client()::header,
            entry.generation().bounds().patience()));
  }

  private void forward(Entry entry, List<Route> chosen, ParsedRequest parsed) {
    RequestContext request = entry.request();
    Generation generation = entry.generation();
    request.client().onGone(request.cancellation()::clientLeft);
    generation.running().register(request.cancellation());
    LeaseSearch search =
        generation
            .admission()
            .search(parsed, entry.caller(), chosen, request.record(), request.cancellation());
    entry.resources().own(search);
    request.answer().quota(search.quota());
    new AttemptLoop(request, entry.resources(), parsed, search).run();
  }
}
