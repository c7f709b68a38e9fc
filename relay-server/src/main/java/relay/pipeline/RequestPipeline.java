package relay.pipeline;

import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
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
import relay.redis.Demand;
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

  private static final Pattern JSON_TYPE =
      Pattern.compile("application/json[ \\t]*(;|$)", Pattern.CASE_INSENSITIVE);

  private final Clients clients;
  private final List<Route> routes;
  private final Meters meters;
  private final Limits limits;
  private final Executor virtualThreads;
  private final AtomicInteger running = new AtomicInteger();

  /**
   * Bounds of one replica.
   *
   * @param maxBodyBytes of a request's body
   * @param maxConcurrent requests at once; 0 for no bound
   */
  public record Limits(int maxBodyBytes, int maxConcurrent) {}

  public RequestPipeline(
      Clients clients, List<Route> routes, Meters meters, Limits limits, Executor virtualThreads) {
    this.clients = clients;
    this.routes = List.copyOf(routes);
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
    Handling handling = new Handling(client, meters, running::decrementAndGet);
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
            ? Route.choose(routes, caller, dialect, facts.model())
            : List.of();
    if (chosen.isEmpty()) {
      handling.refuse(
          RelayError.notFound("no provider serves model '" + facts.model() + "' to this client"));
      return;
    }
    acquire(handling, new Plan(chosen.getFirst(), facts, body, dialect));
  }

  private void acquire(Handling handling, Plan plan) {
    handling.goesTo(plan.route().name(), plan.facts().model());
    Estimator.Estimate estimate =
        Estimator.estimate(
            plan.route().pool().estimates(),
            plan.dialect(),
            plan.upstreamModel(),
            plan.facts().inputBytes(),
            plan.facts().maxOutputTokens());
    Demand demand =
        new Demand(plan.modelClass(), estimate.inputTokens(), estimate.outputTokens(), Set.of());
    handling.client().onGone(handling::clientLeft);
    long asked = System.nanoTime();
    plan.route()
        .pool()
        .acquire(demand)
        .thenAccept(
            acquisition -> {
              meters.acquired(System.nanoTime() - asked);
              acquired(handling, plan, demand, acquisition);
            })
        .exceptionally(
            failure -> {
              handling.refuse(RelayError.unavailable("an error inside Relay"));
              throw new IllegalStateException(failure);
            });
  }

  private void acquired(Handling handling, Plan plan, Demand demand, Acquisition acquisition) {
    switch (acquisition) {
      case Granted granted -> start(handling, plan, demand, granted.lease());
      case Exhausted _, Impossible _, NoneUsable _, Unavailable _ -> {
        meters.denied(plan.route().name(), Refusals.reason(acquisition));
        handling.refuse(Refusals.of(acquisition));
      }
    }
  }

  private void start(Handling handling, Plan plan, Demand demand, Lease lease) {
    try {
      virtualThreads.execute(new Forwarding(handling, plan, demand, lease));
    } catch (RejectedExecutionException e) {
      lease.cancel();
      handling.refuse(RelayError.unavailable("this replica is stopping"));
    }
  }
}
