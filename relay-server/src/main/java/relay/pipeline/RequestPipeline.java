package relay.pipeline;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import relay.auth.Clients;
import relay.auth.Clients.Caller;
import relay.carrier.Payload;
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
 * The way of a request, from top to bottom: authenticate, read, look, choose the provider,
 * estimate, acquire, and then in {@link AttemptLoop} send, stream and settle.
 *
 * <p>All of it is blocking code on one virtual thread, read from top to bottom.
 */
public final class RequestPipeline {
  /** A longer body is looked through on another thread: a carrier serves others, too. */
  private static final int LOOKED_THROUGH_AT_ONCE = 64 * 1024;

  private static final Set<String> BODILESS = Set.of("GET", "HEAD");
  private static final Pattern JSON_TYPE =
      Pattern.compile("application/json[ \\t]*(;|$)", Pattern.CASE_INSENSITIVE);

  private final Clients clients;
  private final ClientQuotas clientLimits;
  private final Routes routes;
  private final ModelCatalog catalog;
  private final Meters meters;
  private final Bounds limits;
  private final AtomicInteger running = new AtomicInteger();
  private final Set<RequestContext> begun = ConcurrentHashMap.newKeySet();
  private volatile boolean cutOff;

  /**
   * Bounds of one replica.
   *
   * @param maxBodyBytes of a request's body
   * @param maxConcurrent requests at once; 0 for no bound
   * @param patience how long attempts of a request may begin
   */
  public record Bounds(int maxBodyBytes, int maxConcurrent, Duration patience) {}

  /**
   * @param clientsPool where clients' own limits are kept; null if no client has any
   * @param clientsTally counts what clients without limits use
   */
  public RequestPipeline(
      Clients clients,
      @Nullable KeyPool clientsPool,
      UsageTally clientsTally,
      Routes routes,
      Meters meters,
      Bounds limits) {
    this.clients = clients;
    clientLimits = new ClientQuotas(clientsPool, clientsTally);
    this.routes = routes;
    catalog = new ModelCatalog(routes.all());
    this.meters = meters;
    this.limits = limits;
  }

  /** Requests that are not answered yet. */
  public int running() {
    return running.get();
  }

  /** Ends all requests: their clients are told that this replica stops. */
  public void cutOff() {
    cutOff = true;
    begun.forEach(RequestContext::cutOff);
  }

  /** Counts a request that was refused for its path, method or head: no way for it begins here. */
  public void refusedAtOnce(int status) {
    meters.refusedAtOnce(status);
  }

  /** Serves a request whose head was read. Blocks until it has been answered, or handed over. */
  public void serve(ClientExchange client, Endpoint endpoint) {
    Admitted admitted = admit(client);
    if (admitted != null) {
      admitted.handling().run(() -> serve(admitted, endpoint));
    }
  }

  private void serve(Admitted admitted, Endpoint endpoint) {
    RequestContext handling = admitted.handling();
    RelayError wrongHead = wrongHead(handling.client());
    if (wrongHead != null) {
      handling.refuse(wrongHead);
      return;
    }
    Payload body = body(handling);
    if (body == null) {
      return;
    }
    try {
      switch (looked(endpoint, body)) {
        case BadRequest bad -> handling.refuse(RelayError.invalid(bad.message()));
        case RequestFacts facts -> route(admitted, endpoint, body, facts);
      }
    } finally {
      body.forget();
    }
  }

  private RequestScan looked(Endpoint endpoint, Payload body) {
    return body.length() <= LOOKED_THROUGH_AT_ONCE
        ? scan(endpoint, body)
        : CompletableFuture.supplyAsync(() -> scan(endpoint, body), Thread::startVirtualThread)
            .join();
  }

  private RequestScan scan(Endpoint endpoint, Payload body) {
    // What is embedded has no prompt cache, and what is not counted goes to any key
    boolean sessions =
        routes.keepSessions() && endpoint.counted() && endpoint != Endpoint.EMBEDDINGS;
    return body.show(sessions ? RequestScanner::scanWithSession : RequestScanner::scan);
  }

  /**
   * Serves a request for a path below {@code /v1/} that Relay does not know: it passes unread to
   * the first provider that is set to let it. Blocks as {@link #serve} does.
   */
  public void passThrough(ClientExchange client) {
    if (!routes.passThroughSomewhere()) {
      new RequestContext(client, meters, limits.patience(), () -> {}).refuse(nothingAt(client));
      return;
    }
    Admitted admitted = admit(client);
    if (admitted != null) {
      admitted.handling().run(() -> passThrough(admitted));
    }
  }

  private void passThrough(Admitted admitted) {
    RequestContext handling = admitted.handling();
    ClientExchange client = handling.client();
    List<Route> chosen =
        routes.passthrough(admitted.caller(), client.dialect(), TargetPath.of(client.target()));
    if (chosen.isEmpty() || !admitted.caller().mayUseAnyModel()) {
      handling.refuse(nothingAt(client));
      return;
    }
    if (!TargetPath.isPlain(client.target())) {
      handling.refuse(RelayError.invalid("the path must be written without . and .. in it"));
      return;
    }
    Payload body = body(handling);
    if (body == null) {
      return;
    }
    try {
      if (body.length() > 0 && BODILESS.contains(client.method())) {
        handling.refuse(RelayError.invalid("a " + client.method() + " has no body"));
      } else {
        forward(admitted, chosen, ParsedRequest.unread(client.dialect(), client.method(), body));
      }
    } finally {
      body.forget();
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
    Admitted admitted = admit(client);
    if (admitted != null) {
      admitted.handling().answer(catalog.list(admitted.caller(), client.dialect()));
    }
  }

  /** Tells of one model of the configuration. */
  public void model(ClientExchange client, String id) {
    Admitted admitted = admit(client);
    if (admitted == null) {
      return;
    }
    byte[] model = catalog.model(admitted.caller(), client.dialect(), id);
    if (model == null) {
      admitted.handling().refuse(unserved(client.dialect(), id));
    } else {
      admitted.handling().answer(model);
    }
  }

  /** A request of somebody who is known, while there is room for it. */
  private record Admitted(RequestContext handling, Caller caller) {}

  /** Null when the request was refused. */
  private @Nullable Admitted admit(ClientExchange client) {
    int before = running.getAndIncrement();
    RequestContext handling =
        new RequestContext(client, meters, limits.patience(), running::decrementAndGet);
    Caller caller =
        clients.authenticate(client.header("x-api-key"), client.header("authorization"));
    if (caller == null) {
      handling.refuse(
          RelayError.unauthenticated(
              "no client of Relay has this key: send it as x-api-key or Authorization: Bearer"));
      return null;
    }
    handling.calledBy(caller.name());
    if (limits.maxConcurrent() > 0 && before >= limits.maxConcurrent()) {
      handling.refuse(
          RelayError.overloaded(
              client.dialect(), "this replica already serves server.max_concurrent requests"));
      return null;
    }
    return new Admitted(handling, caller);
  }

  /** Null when there is none to go on with: then the client was told. */
  private @Nullable Payload body(RequestContext handling) {
    ClientExchange client = handling.client();
    switch (client.readBody(limits.maxBodyBytes())) {
      case Body.Whole(Payload payload) -> {
        return payload;
      }
      case Body.TooLarge _ -> handling.refuse(RelayError.tooLarge(limits.maxBodyBytes()));
      case Body.Malformed _ ->
          handling.refuse(
              RelayError.invalid(
                  "the body's chunks are not well formed, or it is not as long as announced"));
      case Body.TooSlow _ ->
          handling.refuse(RelayError.tooSlow("the request's body came too slowly"));
      case Body.Broken _ -> handling.leave();
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
      admitted.handling().refuse(unserved(endpoint.dialect(), facts.model()));
      return;
    }
    forward(admitted, chosen, ParsedRequest.of(endpoint, facts, body));
  }

  /** The dialect is told, too: the same model may be served in the other one. */
  private static RelayError unserved(Dialect dialect, String model) {
    return RelayError.notFound(
        "no provider of the %s dialect serves model '%s' to this client"
            .formatted(dialect.name().toLowerCase(Locale.ROOT), model));
  }

  private void forward(Admitted admitted, List<Route> chosen, ParsedRequest asked) {
    RequestContext handling = admitted.handling();
    handling.takes(clientLimits.of(admitted.caller(), asked.counted()));
    handling.client().onGone(handling::clientLeft);
    handling.joins(begun);
    if (cutOff) {
      handling.cutOff();
    }
    RouteAttempts journey = new RouteAttempts(chosen, asked);
    RouteAttempts.Candidate first = journey.next();
    if (first == null) {
      handling.end(journey.verdict().outcome(asked.dialect()));
    } else {
      new AttemptLoop(handling, journey, first).run();
    }
  }
}
