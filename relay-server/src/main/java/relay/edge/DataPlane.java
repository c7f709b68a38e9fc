package relay.edge;

import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.handlers.HttpContinueReadHandler;
import io.undertow.util.HttpString;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import relay.body.BodyBuffers;
import relay.carrier.AnswerDate;
import relay.carrier.Carriers;
import relay.carrier.DescriptorReserve;
import relay.config.ListenAddress;
import relay.config.ServerConfig;
import relay.memory.MemoryBudget;
import relay.model.Dialect;
import relay.model.Endpoint;
import relay.model.LeasePath;
import relay.model.RelayError;
import relay.pipeline.ClientExchange;
import relay.pipeline.ErrorBodies;
import relay.pipeline.RequestIds;
import relay.pipeline.RequestPipeline;

/** The listener for clients, and its routes. */
public final class DataPlane implements AutoCloseable {
  private static final String MODELS = "/v1/models";
  private static final String OWN = "/v1/relay/";
  private static final String USAGE = OWN + "usage";
  private static final List<String> POST = List.of("POST");
  private static final List<String> DELETE = List.of("DELETE");
  private static final List<String> READ = List.of("GET", "HEAD");
  private static final List<String> ANY =
      List.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");
  private static final HttpString VERSION = new HttpString("anthropic-version");
  private static final byte[] NOTHING = {};
  private static final Duration LAST_WRITES = Duration.ofSeconds(1);

  private final RequestPipeline pipeline;
  private final Carriers carriers;
  private final HeaderNames names = new HeaderNames();
  private final AnswerDate date = new AnswerDate(InstantSource.system());
  private final Listener listener;
  private volatile ClientBounds bounds;
  private final ListenAddress address;
  private volatile boolean draining;

  /**
   * @param carriers run the requests, and wait for the sockets of plain connections
   * @param patience how long a client may take to send a head, or a small body
   * @param memory what all clients together may hold
   * @param descriptors what clients' connections must leave free
   */
  public DataPlane(
      RequestPipeline pipeline,
      Carriers carriers,
      ServerConfig server,
      Duration patience,
      MemoryBudget memory,
      DescriptorReserve descriptors) {
    this.pipeline = pipeline;
    this.carriers = carriers;
    address = server.listen();
    HttpHandler handler = new HttpContinueReadHandler(this::handle);
    listener =
        new Listener(
            server.enableHttp2(), server.tls(), patience, handler, carriers, memory, descriptors);
    bounds =
        new ClientBounds(
            server.idleTimeout(),
            patience,
            listener.guard(),
            listener.memory(),
            new BodyBuffers(memory));
  }

  /** Takes the certificate and the bounds of new requests and connections from a later config. */
  public void reconfigure(ServerConfig server) {
    ClientBounds before = bounds;
    bounds =
        new ClientBounds(
            server.idleTimeout(),
            before.patience(),
            before.guard(),
            before.memory(),
            before.bodies());
    if (server.tls() != null) {
      listener.certificate(server.tls());
    }
  }

  /** Listens from now on. */
  public void start() {
    listener.start(address.host(), address.port());
  }

  /** The port that is listened on. */
  public int port() {
    return listener.port();
  }

  /**
   * Connections that were closed for want of memory, since the start.
   *
   * @param which {@code stranger}, {@code newcomer} or {@code head}
   */
  public long shed(String which) {
    return listener.shed().count(which);
  }

  /** Closes every connection after its answer from now on. */
  public void drain() {
    draining = true;
  }

  private void handle(HttpServerExchange exchange) {
    if (draining) {
      exchange.setPersistent(false);
    }
    String path = exchange.getRequestURI(); // undecoded, with its path parameters
    Endpoint endpoint = Endpoint.at(path);
    LeasePath lease = LeasePath.of(path);
    RelayError wrong = HeadCheck.wrong(exchange);
    if (wrong != null) {
      exchange.setPersistent(false); // the start of the next request is uncertain
      refuse(exchange, wrong, endpoint == null ? dialectOf(exchange) : endpoint.dialect());
    } else if (path.startsWith("/v1/") && WebSocketUpgrade.isAsked(exchange)) {
      exchange.setPersistent(false);
      exchange.getResponseHeaders().put(names.of("upgrade"), WebSocketUpgrade.PROTOCOL);
      Dialect dialect = endpoint == null ? dialectOf(exchange) : endpoint.dialect();
      refuse(exchange, WebSocketUpgrade.refusal(), dialect);
    } else if (endpoint != null) {
      allow(exchange, POST, endpoint.dialect(), client -> pipeline.serve(client, endpoint));
    } else if (path.equals(MODELS)) {
      allow(exchange, READ, dialectOf(exchange), pipeline::models);
    } else if (path.startsWith(MODELS + "/") && path.length() > MODELS.length() + 1) {
      String id = decoded(path.substring(MODELS.length() + 1));
      allow(exchange, READ, dialectOf(exchange), client -> pipeline.model(client, id));
    } else if (path.equals(USAGE)) {
      allow(exchange, READ, dialectOf(exchange), pipeline::usage);
    } else if (lease != null) {
      boolean isOne = !lease.isOfAll() && lease.verb().isEmpty();
      allow(exchange, isOne ? DELETE : POST, Dialect.OPENAI, pipeline::lease);
    } else if (isForProvider(path)) {
      allow(exchange, ANY, dialectOf(exchange), pipeline::passThrough);
    } else if (path.equals("/")) { // clients probe it; it needs no credential
      allow(exchange, READ, dialectOf(exchange), client -> client.end(NOTHING, 0, 0));
    } else {
      RelayError error = RelayError.notFound("there is nothing at " + path + baseUrl(path));
      refuse(exchange, error, dialectOf(exchange));
    }
  }

  private static boolean isForProvider(String path) {
    return path.startsWith("/v1/") && !path.startsWith("/v1/v1/") && !path.startsWith(OWN);
  }

  /** A hint for a base URL with /v1 missing or twice. SDKs differ in it. */
  private static String baseUrl(String path) {
    if (path.startsWith("/v1/v1/")) {
      return ": this client adds /v1 itself, so give it a base URL without /v1";
    }
    String meant = "/v1" + path;
    return Endpoint.at(meant) != null || meant.equals(MODELS)
        ? ": this client adds no /v1, so end the base URL in /v1"
        : "";
  }

  private void allow(
      HttpServerExchange exchange,
      List<String> methods,
      Dialect dialect,
      Consumer<ClientExchange> next) {
    String method = exchange.getRequestMethod().toString(); // case-sensitive, unlike header names
    if (!methods.contains(method)) {
      exchange.getResponseHeaders().put(names.of("allow"), String.join(", ", methods));
      refuse(exchange, RelayError.wrongMethod("use " + String.join(" or ", methods)), dialect);
      return;
    }
    begin(exchange, dialect, next);
  }

  private static String decoded(String escaped) {
    try {
      return URLDecoder.decode(escaped.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return escaped; // no model is named so
    }
  }

  private static Dialect dialectOf(HttpServerExchange exchange) {
    return exchange.getRequestHeaders().contains(VERSION) ? Dialect.ANTHROPIC : Dialect.OPENAI;
  }

  private void refuse(HttpServerExchange exchange, RelayError error, Dialect dialect) {
    begin(
        exchange,
        dialect,
        client -> {
          String id = RequestIds.next();
          pipeline.refusedAtOnce(id, error.status());
          client.answer(
              error.status(), ErrorBodies.headers(error, id), ErrorBodies.body(dialect, error, id));
        });
  }

  /** Runs the rest on a virtual thread, which may block and wait for locks. */
  private void begin(HttpServerExchange exchange, Dialect dialect, Consumer<ClientExchange> next) {
    Executor requests = carriers.at(exchange.getIoThread());
    UndertowExchange client =
        new UndertowExchange(exchange, dialect, bounds, names, date, requests);
    exchange.dispatch(
        RequestThreads.of(exchange, requests),
        () -> {
          try {
            next.accept(client);
          } catch (RuntimeException | Error e) {
            client.abort(); // or the client would wait for ever
            throw e;
          } finally {
            SharedChannel.returned(exchange);
          }
        });
  }

  /** Closes the port. Closes all connections after the last writes of finished answers. */
  @Override
  public void close() {
    listener.closePort();
    awaitHandedOver();
    listener.stop();
  }

  /**
   * The I/O threads run the last writes of answers in order. So wait until a task after them has
   * run.
   */
  private void awaitHandedOver() {
    List<? extends Executor> threads = listener.threads();
    CountDownLatch turns = new CountDownLatch(threads.size());
    threads.forEach(thread -> thread.execute(turns::countDown));
    try {
      var _ = turns.await(LAST_WRITES.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
