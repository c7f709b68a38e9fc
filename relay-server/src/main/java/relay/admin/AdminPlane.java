package relay.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import io.undertow.util.Methods;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.admin.AdminServer.Served;
import relay.admin.PoolStates.RedisSilent;
import relay.carrier.AnswerDate;
import relay.logging.RecentRecords;
import relay.pool.PoolJson;
import relay.redis.KeyPool;
import relay.reload.ConfigState;

/**
 * The handler of the admin port. Answers health and readiness at once. Requests that read Redis or
 * take time run on virtual threads, {@value #AT_ONCE} at a time; a bounded number of others queues.
 */
final class AdminPlane implements HttpHandler, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(AdminPlane.class);
  private static final int AT_ONCE = 32;
  private static final int QUEUED = 128;
  private static final int MAX_BODY_BYTES = 4096;
  private static final Duration RELOAD_LIMIT = Duration.ofSeconds(30);

  private final AnswerDate date = new AnswerDate(InstantSource.system());
  private final Executor threads;
  private final AdminAuthorization gate;
  private final Served served;
  private final DashboardFeed feed;
  private final Semaphore turns = new Semaphore(AT_ONCE, true); // only virtual threads block on it
  private final AtomicInteger slow = new AtomicInteger();

  /**
   * @param threads runs each task on a virtual thread
   */
  AdminPlane(Executor threads, Served served) {
    this.threads = threads;
    this.gate =
        new AdminAuthorization(
            served.server().get().adminListen(), () -> served.server().get().adminToken());
    this.served = served;
    this.feed = new DashboardFeed(served, this::configuration, InstantSource.system());
  }

  @Override
  public void handleRequest(HttpServerExchange exchange) throws Exception {
    exchange.getResponseHeaders().put(Headers.DATE, date.now());
    AdminReply refusal = gate.refusal(exchange);
    if (refusal != null) {
      refusal.send(exchange);
      return;
    }
    switch (exchange.getRequestPath()) {
      case "/healthz" -> get(exchange, () -> AdminReply.text(200, "ok")).send(exchange);
      case "/readyz" -> get(exchange, this::ready).send(exchange);
      case DashboardFeed.PATH -> events(exchange);
      default -> readAndAnswer(exchange);
    }
  }

  private void events(HttpServerExchange exchange) throws Exception {
    if (exchange.getRequestMethod().equals(Methods.GET)) {
      feed.open(exchange);
    } else {
      wrongMethod("GET").send(exchange);
    }
  }

  private void readAndAnswer(HttpServerExchange exchange) {
    exchange.getRequestReceiver().setMaxBufferSize(MAX_BODY_BYTES);
    exchange
        .getRequestReceiver()
        .receiveFullBytes(
            this::takeTurn,
            (broken, failure) -> AdminReply.error(400, "the body could not be read").send(broken));
  }

  /**
   * Queues for a turn, after the body was read: a slow body must not occupy a place in the queue.
   */
  private void takeTurn(HttpServerExchange exchange, byte[] body) {
    if (slow.incrementAndGet() > AT_ONCE + QUEUED) {
      slow.decrementAndGet();
      AdminReply.error(503, "too many requests at once; try again").send(exchange);
      return;
    }
    exchange.addExchangeCompleteListener(
        (done, next) -> {
          slow.decrementAndGet();
          next.proceed();
        });
    exchange.dispatch(threads, () -> answer(exchange, body));
  }

  private void answer(HttpServerExchange exchange, byte[] body) {
    turns.acquireUninterruptibly();
    try {
      answered(exchange, body).send(exchange);
    } finally {
      turns.release();
    }
  }

  private AdminReply answered(HttpServerExchange exchange, byte[] body) {
    try {
      return reply(exchange, body);
    } catch (RedisSilent e) {
      return AdminReply.error(503, e.text());
    } catch (RuntimeException e) {
      log.error("{} {} failed", exchange.getRequestMethod(), exchange.getRequestPath(), e);
      return AdminReply.error(500, "internal error; see Relay's log");
    }
  }

  private AdminReply reply(HttpServerExchange exchange, byte[] body) throws RedisSilent {
    List<String> path = List.of(exchange.getRequestPath().substring(1).split("/", -1));
    return switch (path.size()) {
      case 1 ->
          switch (path.getFirst()) {
            case "metrics" -> get(exchange, this::metrics);
            case "pools" -> get(exchange, this::pools);
            case "clients" -> get(exchange, this::clients);
            case "events" -> get(exchange, () -> AdminReply.json(RecentRecords.events()));
            case "requests" -> get(exchange, () -> requests(exchange));
            case "reload" -> reload(exchange);
            default -> asset(path.getFirst(), exchange);
          };
      case 2 -> path.getFirst().equals("pools") ? pool(path.get(1), exchange) : unknownPath();
      case 5 ->
          path.getFirst().equals("pools") && path.get(2).equals("keys")
              ? key(path.get(1), path.get(3), path.get(4), exchange, body)
              : unknownPath();
      default -> unknownPath();
    };
  }

  private static AdminReply asset(String path, HttpServerExchange exchange) {
    Optional<AdminReply> asset = DashboardAssets.at(path);
    return asset.isEmpty() ? unknownPath() : get(exchange, asset::get);
  }

  private AdminReply pool(String name, HttpServerExchange exchange) throws RedisSilent {
    Optional<KeyPool> pool = named(name);
    return pool.isEmpty()
        ? AdminReply.error(404, "unknown pool; GET /pools lists them")
        : get(
            exchange, () -> AdminReply.json(PoolStates.of(List.of(pool.get()), served).getFirst()));
  }

  private AdminReply key(
      String poolName, String key, String word, HttpServerExchange exchange, byte[] body)
      throws RedisSilent {
    Optional<KeyPool> pool = named(poolName);
    Optional<KeyAction> action = KeyAction.named(word);
    if (action.isEmpty()) {
      return unknownPath();
    }
    if (pool.isEmpty()) {
      return AdminReply.error(404, "unknown pool; GET /pools lists them");
    }
    if (pool.get().plan().keys().stream().noneMatch(known -> known.id().equals(key))) {
      return AdminReply.error(
          404, "pool %s has no key %s; `relay keys` lists its keys".formatted(poolName, key));
    }
    if (!exchange.getRequestMethod().equals(Methods.POST)) {
      return wrongMethod("POST");
    }
    return action.get().on(pool.get(), key, exchange, body);
  }

  private PoolJson.Configuration configuration() {
    ConfigState state = served.configuration().get();
    return new PoolJson.Configuration(
        state.hash(), state.since(), state.needRestart(), state.refused());
  }

  private AdminReply reload(HttpServerExchange exchange) {
    if (!exchange.getRequestMethod().equals(Methods.POST)) {
      return wrongMethod("POST");
    }
    return ReloadReply.of(served.reload().get(), RELOAD_LIMIT);
  }

  private AdminReply clients() throws RedisSilent {
    return AdminReply.json(
        ClientsJson.of(
            served.server().get().auth(),
            served.clientLimits().get(),
            served.clientUse(),
            served.pools().get()));
  }

  private static AdminReply requests(HttpServerExchange exchange) {
    return AdminReply.json(RecentRecords.requests(exchange.getQueryString().equals("failed=true")));
  }

  private Optional<KeyPool> named(String pool) {
    return served.pools().get().stream()
        .filter(known -> known.plan().name().equals(pool))
        .findFirst();
  }

  private AdminReply pools() throws RedisSilent {
    List<ObjectNode> states = PoolStates.of(served.pools().get(), served);
    return AdminReply.json(PoolJson.ofAll(configuration(), served.replicas().get(), states));
  }

  private AdminReply ready() {
    return switch (served.readiness().get()) {
      case Readiness.Ready(String remark) ->
          AdminReply.text(200, remark.isEmpty() ? "ready" : "ready; " + remark);
      case Readiness.NotReady(String reason) -> AdminReply.text(503, "not ready: " + reason);
    };
  }

  private AdminReply metrics() {
    return new AdminReply(
        200, "text/plain; version=0.0.4; charset=utf-8", served.metrics().get(), Map.of());
  }

  /** As {@link AdminServer#introduction}. */
  String introduction() {
    return feed.introduction();
  }

  @Override
  public void close() {
    feed.close();
  }

  @FunctionalInterface
  private interface Answer<E extends Exception> {
    AdminReply get() throws E;
  }

  private static <E extends Exception> AdminReply get(HttpServerExchange exchange, Answer<E> answer)
      throws E {
    HttpString method = exchange.getRequestMethod();
    return method.equals(Methods.GET) || method.equals(Methods.HEAD)
        ? answer.get()
        : wrongMethod("GET, HEAD");
  }

  private static AdminReply wrongMethod(String allowed) {
    return AdminReply.error(405, "wrong method; allowed: " + allowed).with(Headers.ALLOW, allowed);
  }

  private static AdminReply unknownPath() {
    return AdminReply.error(
        404,
        "unknown path; there are /healthz, /readyz, /metrics, /pools, /pools/POOL, /clients,"
            + " /events, /requests, POST /reload and POST /pools/POOL/keys/KEY/cooldown, quarantine"
            + " or restore");
  }
}
