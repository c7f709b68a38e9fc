package relay.pipeline;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import relay.auth.Clients;
import relay.auth.Clients.Caller;
import relay.estimate.Estimator;
import relay.metrics.Meters;
import relay.model.Dialect;
import relay.model.RelayError;
import relay.redis.Acquisition;
import relay.redis.Acquisition.Exhausted;
import relay.redis.Acquisition.Granted;
import relay.redis.Acquisition.Impossible;
import relay.redis.Acquisition.NoneUsable;
import relay.redis.Acquisition.Unavailable;
import relay.redis.Lease;
import relay.request.BadRequest;
import relay.request.RequestFacts;
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
  /** A longer body is looked through on a virtual thread: the I/O thread serves others, too. */
  private static final int LOOKED_THROUGH_AT_ONCE = 64 * 1024;

  private final Clients clients;
  private final Routes routes;
  private final Estimator estimator;
  private final Meters meters;
  private final Limits limits;
  private final Executor virtualThreads;
  private final AtomicInteger running = new AtomicInteger();

  /**
   * Bounds of one replica.
   *
   * @param maxBodyBytes of a request's body
   * @param maxConcurrent requests at once; 0 for no bound
   * @param patience how long attempts of a request may begin
   */
  public record Limits(int maxBodyBytes, int maxConcurrent, Duration patience) {}

  public RequestPipeline(
      Clients clients,
      Routes routes,
      Estimator estimator,
      Meters meters,
      Limits limits,
      Executor virtualThreads) {
    this.clients = clients;
    this.routes = routes;
    this.estimator = estimator;
    this.meters = meters;
    this.limits = limits;
    this.virtualThreads = virtualThreads;
  }

  /** Requests that are not answered yet. */
  public int running() {
    return running.get();
  }

  /** Takes a request whose head was read. On its I/O thread; does not block. */
  public void begin(ClientExchange client) {
    int before = running.getAndIncrement();
    Handling handling = new Handling(client, meters, limits.patience(), running::decrementAndGet);
    Caller caller =
        clients.authenticate(client.header("x-api-key"), client.header("authorization"));
    if (caller == null) {
      handling.refuse(
          RelayError.unauthenticated(
              "no client of Relay has this key: send it as x-api-key or Authorization: Bearer"));
      return;
    }
    if (limits.maxConcurrent() > 0 && before >= limits.maxConcurrent()) {
      handling.refuse(
          RelayError.overloaded(
              client.endpoint().dialect(),
              "this replica already serves server.max_concurrent requests"));
      return;
    }
    RelayError wrongHead = wrongHead(client);
    if (wrongHead != null) {
      handling.refuse(wrongHead);
      return;
    }
    client.readBody(
        limits.maxBodyBytes(),
        new ClientExchange.BodyReader() {
          @Override
          public void body(byte[] body) {
            if (body.length <= LOOKED_THROUGH_AT_ONCE) {
              look(handling, caller, body);
            } else {
              virtualThreads.execute(() -> look(handling, caller, body));
            }
          }

          @Override
          public void tooLarge() {
            handling.refuse(RelayError.tooLarge(limits.maxBodyBytes()));
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
    if (type != null && !type.regionMatches(true, 0, "application/json", 0, 16)) {
      return RelayError.invalid("content-type must be application/json");
    }
    String encoding = client.header("content-encoding");
    if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
      return RelayError.invalid("content-encoding is not supported: send the body as it is");
    }
    return null;
  }

  private void look(Handling handling, Caller caller, byte[] body) {
    switch (RequestScanner.scan(body, body.length)) {
      case BadRequest bad -> handling.refuse(RelayError.invalid(bad.message()));
      case RequestFacts facts -> route(handling, caller, body, facts);
    }
  }

  private void route(Handling handling, Caller caller, byte[] body, RequestFacts facts) {
    Dialect dialect = handling.client().endpoint().dialect();
    List<Route> chosen =
        caller.mayUseModel(facts.model())
            ? routes.choose(caller, dialect, facts.model())
            : List.of();
    if (chosen.isEmpty()) {
      handling.refuse(
          RelayError.notFound("no provider serves model '" + facts.model() + "' to this client"));
      return;
    }
    handling.client().onGone(handling::clientLeft);
    acquire(handling, new Journey(chosen, facts, body, dialect, estimator));
  }

  /** At the next provider that may be asked. */
  private void acquire(Handling handling, Journey journey) {
    Journey.Leg leg = journey.next();
    if (leg == null) {
      handling.end(journey.verdict().outcome(journey.dialect()));
      return;
    }
    handling.goesTo(leg.route().name(), journey.facts().model());
    long asked = System.nanoTime();
    leg.route()
        .pool()
        .acquire(leg.demand())
        .thenAccept(
            acquisition -> {
              meters.acquired(System.nanoTime() - asked);
              acquired(handling, journey, leg, acquisition);
            })
        .exceptionally(
            failure -> {
              handling.refuse(RelayError.unavailable("an error inside Relay"));
              throw new IllegalStateException(failure);
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
      virtualThreads.execute(new Forwarding(handling, journey, leg, lease, estimator));
    } catch (RejectedExecutionException e) {
      lease.cancel();
      leg.unused();
      handling.refuse(RelayError.unavailable("this replica is stopping"));
    }
  }
}
