package relay.pipeline;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import relay.auth.Clients;
import relay.auth.Clients.Caller;
import relay.body.Payload;
import relay.config.PriceConfig;
import relay.config.ProviderConfig;
import relay.logging.RequestLine;
import relay.logging.RequestLog;
import relay.metrics.Meters;
import relay.model.Dialect;
import relay.model.Endpoint;
import relay.model.RelayError;
import relay.redis.KeyPool;
import relay.redis.UsageTally;
import relay.request.BadRequest;
import relay.request.RequestFacts;
import relay.request.RequestScan;
import relay.request.RequestScanner;
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
   */
  public RequestPipeline(
      Serving first, Meters meters, @Nullable Tracing tracing, Duration background) {
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
    admit(client, admitted -> serve(admitted, endpoint));
  }

  private void serve(Admitted admitted, Endpoint endpoint) {
    RequestContext request = admitted.request();
    RelayError wrongHead = RequestBodies.wrongHead(request.client());
    if (wrongHead != null) {
      request.answer().refuse(wrongHead);
      return;
    }
    Payload body = RequestBodies.read(request, admitted.generation().bounds().maxBodyBytes());
    if (body == null) {
      return;
    }
    try {
      switch (scan(admitted, endpoint, body)) {
        case BadRequest bad -> request.answer().refuse(RelayError.invalid(bad.message()));
        case RequestFacts facts -> route(admitted, endpoint, body, facts);
      }
    } finally {
      body.release();
    }
  }

  private static RequestScan scan(Admitted admitted, Endpoint endpoint, Payload body) {
    // Embeddings have no prompt cache, and uncounted requests may use any key
    boolean sessions =
        admitted.generation().routes().keepSessions()
            && endpoint.counted()
            && endpoint != Endpoint.EMBEDDINGS;
    if (!sessions) {
      return body.withBytes(RequestScanner::scan);
    }
    String stated = StatedSession.of(admitted.request().client());
    if (stated.isEmpty()) {
      return body.withBytes(RequestScanner::scanWithSession);
    }
    return body.withBytes((bytes, length) -> RequestScanner.scanInSession(bytes, length, stated));
  }

  /**
   * Serves a request for an unknown path below {@code /v1/}: it passes unparsed to the provider
   * with {@code passthrough} that made what it names, else to the first one. Blocks as {@link
   * #serve} does.
   */
  public void passThrough(ClientExchange client) {
    admit(client, true, this::passThrough);
  }

  private void passThrough(Admitted admitted) {
    RequestContext request = admitted.request();
    ClientExchange client = request.client();
    List<Route> chosen =
        admitted
            .generation()
            .routes()
            .passthrough(admitted.caller(), client.dialect(), TargetPath.of(client.target()));
    if (chosen.isEmpty() || !admitted.caller().mayUseAnyModel()) {
      request.answer().refuse(RoutingErrors.nothingAt(client.target()));
      return;
    }
    String fault = TargetPath.fault(client.target(), chosen.getFirst().api().config().dialect());
    if (fault != null) {
      request.answer().refuse(RelayError.invalid(fault));
      return;
    }
    RelayError wrongPriority = Claim.fault(client);
    if (wrongPriority != null) {
      request.answer().refuse(wrongPriority);
      return;
    }
    RelayError spent = admitted.generation().quotas().spentBudget(admitted.caller(), client);
    if (spent != null) {
      request.meters().clients().denied(admitted.caller().name(), "budget");
      request.answer().refuse(spent);
      return;
    }
    Bounds bounds = admitted.generation().bounds();
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
        List<String> states = NamedStates.in(client.target(), client.header("content-type"), body);
        forward(
            admitted,
            NamedStates.owners(chosen, states).subList(0, 1), // the first if nobody owns them
            ParsedRequest.unread(client.dialect(), client.method(), body, states));
      }
    } finally {
      body.release();
    }
  }

  /** Lists the models of the configuration. */
  public void models(ClientExchange client) {
    admit(
        client,
        admitted ->
            admitted
                .request()
                .answer()
                .json(admitted.generation().catalog().list(admitted.caller(), client.dialect())));
  }

  /** Describes one model of the configuration. */
  public void model(ClientExchange client, String id) {
    admit(client, admitted -> model(admitted, id));
  }

  private void model(Admitted admitted, String id) {
    ClientAnswer answer = admitted.request().answer();
    Dialect dialect = admitted.request().client().dialect();
    byte[] model = admitted.generation().catalog().model(admitted.caller(), dialect, id);
    if (model == null) {
      answer.refuse(RoutingErrors.unserved(dialect, id));
    } else {
      answer.json(model);
    }
  }

  /** Tells a client of itself. */
  public void usage(ClientExchange client) {
    admit(
        client,
        admitted ->
            UsageAnswer.give(
                admitted.request().answer(), admitted.generation(), admitted.caller()));
  }

  /** A request of an authenticated client, while the replica has room for it. */
  private record Admitted(
      RequestContext request, RequestResources resources, Generation generation, Caller caller) {}

  private void admit(ClientExchange client, Consumer<Admitted> next) {
    admit(client, false, next);
  }

  /**
   * Authenticates the client and continues, or refuses the request.
   *
   * @param unknownPath whether it is to pass unread: where nothing does, nobody is asked for a
   *     credential
   */
  private void admit(ClientExchange client, boolean unknownPath, Consumer<Admitted> next) {
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
            generation.bounds().patience(),
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
            next.accept(new Admitted(request, resources, generation, caller));
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

  private void route(Admitted admitted, Endpoint endpoint, Payload body, RequestFacts facts) {
    Caller caller = admitted.caller();
    List<Route> chosen =
        caller.mayUseModel(facts.model())
            ? admitted.generation().routes().choose(caller, endpoint, facts.model())
            : List.of();
    if (chosen.isEmpty()) {
      admitted.request().answer().refuse(RoutingErrors.unserved(endpoint.dialect(), facts.model()));
      return;
    }
    forward(
        admitted,
        chosen,
        ParsedRequest.of(endpoint, facts, body, admitted.request().client()::header));
  }

  private void forward(Admitted admitted, List<Route> chosen, ParsedRequest parsed) {
    RequestContext request = admitted.request();
    RequestResources resources = admitted.resources();
    ClientQuotas quotas = admitted.generation().quotas();
    ClientQuota quota = quotas.of(admitted.caller(), parsed.counted());
    resources.own(quota);
    request.answer().quota(quota);
    request.client().onGone(request.cancellation()::clientLeft);
    admitted.generation().running().register(request.cancellation());
    Claim claim = Claim.of(admitted.generation().clients(), admitted.caller(), request.client());
    List<Route> able = NamedStates.owners(chosen, parsed.states());
    List<Route> priced =
        parsed.counted() ? quotas.priced(admitted.caller(), able, parsed.facts().model()) : able;
    if (priced.isEmpty()) {
      refuseUnpriced(request, able.getFirst().api().config(), parsed.facts().model());
      return;
    }
    RouteAttempts attempts =
        new RouteAttempts(
            priced, parsed, claim, new Stops(request.meters(), request.record().clientName()));
    RouteAttempts.Candidate first = attempts.next();
    if (first == null) {
      request.answer().verdict(attempts.verdict().outcome(parsed.dialect()));
    } else {
      new AttemptLoop(request, resources, attempts, first).run();
    }
  }

  private static void refuseUnpriced(RequestContext request, ProviderConfig first, String model) {
    String client = request.record().clientName();
    request.record().target(first.name(), model);
    request.meters().clients().denied(client, "unpriced");
    request.answer().refuse(RoutingErrors.unpriced(first.upstreamModel(model), client));
  }
}
