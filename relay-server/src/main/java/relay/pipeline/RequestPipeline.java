package relay.pipeline;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import relay.auth.Clients;
import relay.auth.Clients.Caller;
import relay.metrics.Meters;
import relay.model.Endpoint;
import relay.model.RelayError;
import relay.redis.Acquisition;
import relay.redis.Acquisition.Exhausted;
import relay.redis.Acquisition.Granted;
import relay.redis.Acquisition.Impossible;
import relay.redis.Acquisition.NoneUsable;
import relay.redis.Acquisition.Unavailable;
import relay.redis.KeyPool;
import relay.redis.Lease;
import relay.redis.UsageTally;
import relay.request.BadRequest;
import relay.request.RequestFacts;
import relay.request.RequestScan;
import relay.request.RequestScanner;

/**
 * The way of a request, from top to bottom: authenticate, read, look, choose the provider,
 * estimate, acquire, and then in {@link Forwarding} send, stream and settle.
 *
 * <p>Up to the grant everything runs on the connection's I/O thread and the thread that brings
 * Redis's answer, and nothing blocks. Only a granted request takes a virtual thread, for the
 * provider's answer is read by blocking calls.
 */
public final class RequestPipeline {
  /** A longer body is looked through on another thread: the I/O thread serves others, too. */
  private static final int LOOKED_THROUGH_AT_ONCE = 64 * 1024;

  private static final Set<String> BODILESS = Set.of("GET", "HEAD");
  private static final Pattern JSON_TYPE =
      Pattern.compile("application/json[ \\t]*(;|$)", Pattern.CASE_INSENSITIVE);

  private final Clients clients;
  private final ClientLimits clientLimits;
  private final Routes routes;
  private final ModelCatalog catalog;
  private final Meters meters;
  private final Limits limits;
  private final Executor carriers;
  private final AtomicInteger running = new AtomicInteger();
  private final Set<Handling> begun = ConcurrentHashMap.newKeySet();
  private volatile boolean cutOff;

  /**
   * Bounds of one replica.
   *
   * @param maxBodyBytes of a request's body
   * @param maxConcurrent requests at once; 0 for no bound
   * @param patience how long attempts of a request may begin
   */
  public record Limits(int maxBodyBytes, int maxConcurrent, Duration patience) {}

  /**
   * @param clientsPool where clients' own limits are kept; null if no client has any
   * @param clientsTally counts what clients without limits use
   * @param carriers run what waits for a provider, each request on a virtual thread
   */
  public RequestPipeline(
      Clients clients,
      @Nullable KeyPool clientsPool,
      UsageTally clientsTally,
      Routes routes,
      Meters meters,
      Limits limits,
      Executor carriers) {
    this.clients = clients;
    clientLimits = new ClientLimits(clientsPool, clientsTally);
    this.routes = routes;
    catalog = new ModelCatalog(routes.all());
    this.meters = meters;
    this.limits = limits;
    this.carriers = carriers;
  }

  /** Requests that are not answered yet. */
  public int running() {
    return running.get();
  }

  /** Ends all requests: their clients are told that this replica stops. */
  public void cutOff() {
    cutOff = true;
    begun.forEach(Handling::cutOff);
  }

  /** Counts a request that was refused for its path, method or head: no way for it begins here. */
  public void refusedAtOnce(int status) {
    meters.refusedAtOnce(status);
  }

  /** Takes a request whose head was read. On its I/O thread; does not block. */
  public void begin(ClientExchange client, Endpoint endpoint) {
    Admitted admitted = admit(client);
    if (admitted == null) {
      return;
    }
    Handling handling = admitted.handling();
    RelayError wrongHead = wrongHead(client);
    if (wrongHead != null) {
      handling.refuse(wrongHead);
      return;
    }
    readBody(
        handling,
        body -> {
          switch (scan(endpoint, body)) {
            case BadRequest bad -> handling.refuse(RelayError.invalid(bad.message()));
            case RequestFacts facts -> route(admitted, endpoint, body, facts);
          }
        });
  }

  private RequestScan scan(Endpoint endpoint, byte[] body) {
    // What is embedded has no prompt cache, and what is not counted goes to any key
    boolean sessions =
        routes.keepSessions() && endpoint.counted() && endpoint != Endpoint.EMBEDDINGS;
    return sessions
        ? RequestScanner.scanWithSession(body, body.length)
        : RequestScanner.scan(body, body.length);
  }

  /**
   * Takes a request for a path below {@code /v1/} that Relay does not know: it passes unread to the
   * first provider that is set to let it. On its I/O thread; does not block.
   */
  public void passThrough(ClientExchange client) {
    if (!routes.passThroughSomewhere()) {
      new Handling(client, meters, limits.patience(), () -> {}).refuse(nothingAt(client));
      return;
    }
    Admitted admitted = admit(client);
    if (admitted == null) {
      return;
    }
    Handling handling = admitted.handling();
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
    readBody(
        handling,
        body -> {
          if (body.length > 0 && BODILESS.contains(client.method())) {
            handling.refuse(RelayError.invalid("a " + client.method() + " has no body"));
          } else {
            start(admitted, chosen, Asked.unread(client.dialect(), client.method(), body));
          }
        });
  }

  private static RelayError nothingAt(ClientExchange client) {
    return RelayError.notFound("there is nothing at " + client.target());
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
      admitted.handling().refuse(unserved(id));
    } else {
      admitted.handling().answer(model);
    }
  }

  /** A request of somebody who is known, while there is room for it. */
  private record Admitted(Handling handling, Caller caller) {}

  /** Null when the request was refused. */
  private @Nullable Admitted admit(ClientExchange client) {
    int before = running.getAndIncrement();
    Handling handling = new Handling(client, meters, limits.patience(), running::decrementAndGet);
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

  private void readBody(Handling handling, Consumer<byte[]> next) {
    ClientExchange client = handling.client();
    client.readBody(
        limits.maxBodyBytes(),
        new ClientExchange.BodyReader() {
          @Override
          public void body(byte[] body) {
            if (body.length <= LOOKED_THROUGH_AT_ONCE) {
              next.accept(body);
            } else {
              Thread.ofVirtual().start(() -> next.accept(body));
            }
          }

          @Override
          public void tooLarge() {
            handling.refuse(RelayError.tooLarge(limits.maxBodyBytes()));
          }

          @Override
          public void malformed() {
            handling.refuse(
                RelayError.invalid(
                    "the body's chunks are not well formed, or it is not as long as announced"));
          }

          @Override
          public void tooSlow() {
            handling.refuse(RelayError.tooSlow("the request's body came too slowly"));
          }

          @Override
          public void broken() {
            client.abort();
            handling.done(499, "relay");
          }
        });
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

  private void route(Admitted admitted, Endpoint endpoint, byte[] body, RequestFacts facts) {
    Caller caller = admitted.caller();
    List<Route> chosen =
        caller.mayUseModel(facts.model())
            ? routes.choose(caller, endpoint, facts.model())
            : List.of();
    if (chosen.isEmpty()) {
      admitted.handling().refuse(unserved(facts.model()));
      return;
    }
    start(admitted, chosen, Asked.of(endpoint, facts, body));
  }

  private static RelayError unserved(String model) {
    return RelayError.notFound("no provider serves model '" + model + "' to this client");
  }

  private void start(Admitted admitted, List<Route> chosen, Asked asked) {
    Handling handling = admitted.handling();
    handling.takes(clientLimits.of(admitted.caller(), asked.counted()));
    handling.client().onGone(handling::clientLeft);
    handling.joins(begun);
    if (cutOff) {
      handling.cutOff();
    }
    acquire(handling, new Journey(chosen, asked));
  }

  /** At the next provider that may be asked. */
  private void acquire(Handling handling, Journey journey) {
    Journey.Leg leg = journey.next();
    if (leg == null) {
      handling.end(journey.verdict().outcome(journey.asked().dialect()));
      return;
    }
    handling.goesTo(leg.route().name(), journey.asked().facts().model());
    long asked = System.nanoTime();
    // Both questions go out before either is answered.
    var own = handling.allowance().take(leg.demand());
    CompletableFuture<Acquisition> wish = leg.acquire();
    handling.whenOver(() -> wish.cancel(false));
    own.thenCompose(
            refusal ->
                refusal != null
                    ? overOwnLimit(handling, leg, wish, refusal)
                    : wish.thenAccept(
                        acquisition -> {
                          meters.acquired(System.nanoTime() - asked);
                          acquired(handling, journey, leg, acquisition);
                        }))
        .exceptionally(
            failure -> {
              if (wish.isCancelled()) {
                leg.unused();
                handling.leave();
                return null;
              }
              handling.refuse(RelayError.unavailable("an error inside Relay"));
              throw new IllegalStateException(failure);
            });
  }

  /** What the pool grants goes back. */
  private CompletableFuture<Void> overOwnLimit(
      Handling handling,
      Journey.Leg leg,
      CompletableFuture<Acquisition> wish,
      Allowance.Refusal refusal) {
    leg.unused();
    meters.clients().denied(handling.caller(), refusal.reason());
    handling.refuse(refusal.error());
    if (wish.cancel(false)) {
      return CompletableFuture.completedFuture(null);
    }
    return wish.thenAccept(
        acquisition -> {
          if (acquisition instanceof Granted(Lease unwanted)) {
            unwanted.cancel();
          }
        });
  }

  private void acquired(
      Handling handling, Journey journey, Journey.Leg leg, Acquisition acquisition) {
    switch (acquisition) {
      case Granted granted -> start(handling, journey, leg, granted.lease());
      case Exhausted _, Impossible _, NoneUsable _, Unavailable _ -> {
        leg.unused();
        meters.denied(leg.route().name(), Refusals.reason(acquisition));
        journey.verdict().refused(acquisition);
        acquire(handling, journey);
      }
    }
  }

  private void start(Handling handling, Journey journey, Journey.Leg leg, Lease lease) {
    try {
      carriers.execute(new Forwarding(handling, journey, leg, lease));
    } catch (RejectedExecutionException e) {
      lease.cancel();
      leg.unused();
      handling.refuse(RelayError.unavailable("this replica is stopping"));
    }
  }
}
