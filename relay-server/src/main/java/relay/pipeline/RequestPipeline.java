package relay.pipeline;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import relay.auth.Clients;
import relay.auth.Clients.Caller;
import relay.body.Payload;
import relay.metrics.Meters;
import relay.model.Dialect;
import relay.model.Endpoint;
import relay.model.RelayError;
import relay.pipeline.ClientExchange.Body;
import relay.redis.KeyPool;
import relay.redis.UsageTally;
import relay.request.BadRequest;
import relay.request.RequestFacts;
import relay.request.RequestScan;
import relay.request.RequestScanner;

/**
 * The steps of a request: authenticate, read, scan, choose the provider, estimate, acquire, and
 * then in {@link AttemptLoop} send, stream and settle.
 *
 * <p>Blocking code on a virtual thread.
 */
public final class RequestPipeline {
  /**
   * Longer bodies are scanned on another thread: a scan would delay other requests of the carrier.
   */
  private static final int LOOKED_THROUGH_AT_ONCE = 64 * 1024;

  private static final Set<String> BODILESS = Set.of("GET", "HEAD");
  private static final Pattern JSON_TYPE =
      Pattern.compile("application/json[ \\t]*(;|$)", Pattern.CASE_INSENSITIVE);

  private final Clients clients;
  private final ClientQuotas clientQuotas;
  private final Routes routes;
  private final ModelCatalog catalog;
  private final Meters meters;
  private final Bounds limits;
  private final RunningRequests running = new RunningRequests();

  /**
   * Bounds of one replica.
   *
   * @param maxBodyBytes of a request's body
   * @param maxConcurrent concurrent requests; 0 for no bound
   * @param patience how long attempts of a request may begin
   */
  public record Bounds(int maxBodyBytes, int maxConcurrent, Duration patience) {}

  /**
   * @param clientsPool holds clients' own limits; null if no client has any
   * @param clientsTally counts the usage of clients without limits
   */
  public RequestPipeline(
      Clients clients,
      @Nullable KeyPool clientsPool,
      UsageTally clientsTally,
      Routes routes,
      Meters meters,
      Bounds limits) {
    this.clients = clients;
    clientQuotas = new ClientQuotas(clientsPool, clientsTally);
    this.routes = routes;
    catalog = new ModelCatalog(routes.all());
    this.meters = meters;
    this.limits = limits;
  }

  /** Requests without an answer yet. */
  public int running() {
    return running.count();
  }

  /** Cancels all requests. Their clients get an error: this replica stops. */
  public void cutOff() {
    running.cutOff();
  }

  /** Counts a request that was refused for its path, method or head, before the pipeline. */
  public void refusedAtOnce(int status) {
    meters.refusedAtOnce(status);
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
    RelayError wrongHead = wrongHead(request.client());
    if (wrongHead != null) {
      request.answer().refuse(wrongHead);
      return;
    }
    Payload body = body(request);
    if (body == null) {
      return;
    }
    try {
      switch (looked(endpoint, body)) {
        case BadRequest bad -> request.answer().refuse(RelayError.invalid(bad.message()));
        case RequestFacts facts -> route(admitted, endpoint, body, facts);
      }
    } finally {
      body.release();
    }
  }

  private RequestScan looked(Endpoint endpoint, Payload body) {
    return body.length() <= LOOKED_THROUGH_AT_ONCE
        ? scan(endpoint, body)
        : CompletableFuture.supplyAsync(() -> scan(endpoint, body), Thread::startVirtualThread)
            .join();
  }

  private RequestScan scan(Endpoint endpoint, Payload body) {
    // Embeddings have no prompt cache, and uncounted requests may use any key
    boolean sessions =
        routes.keepSessions() && endpoint.counted() && endpoint != Endpoint.EMBEDDINGS;
    return body.withBytes(sessions ? RequestScanner::scanWithSession : RequestScanner::scan);
  }

  /**
   * Serves a request for an unknown path below {@code /v1/}: it passes unparsed to the first
   * provider with {@code passthrough}. Blocks as {@link #serve} does.
   */
  public void passThrough(ClientExchange client) {
    if (!routes.passThroughSomewhere()) {
      RequestContext request = context(client);
      request.run(_ -> request.answer().refuse(nothingAt(client)));
      return;
    }
    admit(client, this::passThrough);
  }

  private void passThrough(Admitted admitted) {
    RequestContext request = admitted.request();
    ClientExchange client = request.client();
    List<Route> chosen =
        routes.passthrough(admitted.caller(), client.dialect(), TargetPath.of(client.target()));
    if (chosen.isEmpty() || !admitted.caller().mayUseAnyModel()) {
      request.answer().refuse(nothingAt(client));
      return;
    }
    String fault = TargetPath.fault(client.target(), chosen.getFirst().api().config().dialect());
    if (fault != null) {
      request.answer().refuse(RelayError.invalid(fault));
      return;
    }
    Payload body = body(request);
    if (body == null) {
      return;
    }
    try {
      if (body.length() > 0 && BODILESS.contains(client.method())) {
        request.answer().refuse(RelayError.invalid("a " + client.method() + " has no body"));
      } else {
        forward(admitted, chosen, ParsedRequest.unread(client.dialect(), client.method(), body));
      }
    } finally {
      body.release();
    }
  }

  private static RelayError nothingAt(ClientExchange client) {
    return RelayError.notFound(
        ("there is nothing at %s: a path that Relay does not know passes only to a provider with"
                + " passthrough: true, and not for clients that have a list of models")
            .formatted(client.target()));
  }

  /** Lists the models of the configuration. */
  public void models(ClientExchange client) {
    admit(
        client,
        admitted ->
            admitted.request().answer().json(catalog.list(admitted.caller(), client.dialect())));
  }

  /** Describes one model of the configuration. */
  public void model(ClientExchange client, String id) {
    admit(client, admitted -> model(admitted, id));
  }

  private void model(Admitted admitted, String id) {
    ClientAnswer answer = admitted.request().answer();
    Dialect dialect = admitted.request().client().dialect();
    byte[] model = catalog.model(admitted.caller(), dialect, id);
    if (model == null) {
      answer.refuse(unserved(dialect, id));
    } else {
      answer.json(model);
    }
  }

  /** A request of an authenticated client, while the replica has room for it. */
  private record Admitted(RequestContext request, RequestResources resources, Caller caller) {}

  private RequestContext context(ClientExchange client) {
    return new RequestContext(client, meters, limits.patience(), running);
  }

  /** Authenticates the client and continues, or refuses the request. */
  private void admit(ClientExchange client, Consumer<Admitted> next) {
    RequestContext request = context(client);
    request.run(
        resources -> {
          Caller caller = authenticate(request);
          if (caller != null) {
            next.accept(new Admitted(request, resources, caller));
          }
        });
  }

  /** Null when the request was refused. */
  private @Nullable Caller authenticate(RequestContext request) {
    ClientExchange client = request.client();
    Caller caller =
        clients.authenticate(client.header("x-api-key"), client.header("authorization"));
    if (caller == null) {
      request
          .answer()
          .refuse(
              RelayError.unauthenticated(
                  "no client of Relay has this key: send it as x-api-key or Authorization:"
                      + " Bearer"));
      return null;
    }
    request.record().clientName(caller.name());
    if (limits.maxConcurrent() > 0 && request.othersRunning() >= limits.maxConcurrent()) {
      request
          .answer()
          .refuse(
              RelayError.overloaded(
                  client.dialect(), "this replica already serves server.max_concurrent requests"));
      return null;
    }
    return caller;
  }

  /** Null when the request was refused or cancelled. */
  private @Nullable Payload body(RequestContext request) {
    ClientExchange client = request.client();
    switch (client.readBody(limits.maxBodyBytes())) {
      case Body.Whole(Payload payload) -> {
        return payload;
      }
      case Body.TooLarge _ -> request.answer().refuse(RelayError.tooLarge(limits.maxBodyBytes()));
      case Body.Malformed _ ->
          request
              .answer()
              .refuse(
                  RelayError.invalid(
                      "the body's chunks are not well formed, or it is not as long as announced"));
      case Body.TooSlow _ ->
          request.answer().refuse(RelayError.tooSlow("the request's body came too slowly"));
      case Body.Broken _ -> request.answer().cancelled();
    }
    return null;
  }

  private static @Nullable RelayError wrongHead(ClientExchange client) {
    String type = client.header("content-type");
    if (type != null && !JSON_TYPE.matcher(type).lookingAt()) {
      return RelayError.invalid("content-type must be application/json");
    }
    String encoding = client.header("content-encoding");
    if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
      return RelayError.unsupported("content-encoding is not supported: send the body as it is");
    }
    return null;
  }

  private void route(Admitted admitted, Endpoint endpoint, Payload body, RequestFacts facts) {
    Caller caller = admitted.caller();
    List<Route> chosen =
        caller.mayUseModel(facts.model())
            ? routes.choose(caller, endpoint, facts.model())
            : List.of();
    if (chosen.isEmpty()) {
      admitted.request().answer().refuse(unserved(endpoint.dialect(), facts.model()));
      return;
    }
    forward(admitted, chosen, ParsedRequest.of(endpoint, facts, body));
  }

  /** The message names the dialect: the model may be served in the other one. */
  private static RelayError unserved(Dialect dialect, String model) {
    return RelayError.notFound(
        "no provider of the %s dialect serves model '%s' to this client"
            .formatted(dialect.name().toLowerCase(Locale.ROOT), model));
  }

  private void forward(Admitted admitted, List<Route> chosen, ParsedRequest parsed) {
    RequestContext request = admitted.request();
    RequestResources resources = admitted.resources();
    ClientQuota quota = clientQuotas.of(admitted.caller(), parsed.counted());
    resources.own(quota);
    request.answer().quota(quota);
    request.client().onGone(request.cancellation()::clientLeft);
    running.register(request.cancellation());
    RouteAttempts attempts = new RouteAttempts(chosen, parsed);
    RouteAttempts.Candidate first = attempts.next();
    if (first == null) {
      request.answer().verdict(attempts.verdict().outcome(parsed.dialect()));
    } else {
      new AttemptLoop(request, resources, attempts, first).run();
    }
  }
}
