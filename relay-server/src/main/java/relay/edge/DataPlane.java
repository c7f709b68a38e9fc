package relay.edge;

import io.undertow.Undertow;
import io.undertow.UndertowOptions;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.handlers.HttpContinueReadHandler;
import io.undertow.util.SameThreadExecutor;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.xnio.Options;
import org.xnio.XnioWorker;
import relay.model.Dialect;
import relay.model.Endpoint;
import relay.model.RelayError;
import relay.pipeline.ClientExchange;
import relay.pipeline.ErrorBodies;
import relay.pipeline.RequestIds;
import relay.pipeline.RequestPipeline;

/** The listener for clients, and its routes. */
public final class DataPlane implements AutoCloseable {
  private static final int MAX_HEADER_BYTES = 64 * 1024;
  private static final int MAX_HEADERS = 200;
  private static final int BACKLOG = 1024;
  private static final String MODELS = "/v1/models";
  private static final List<String> POST = List.of("POST");
  private static final List<String> READ = List.of("GET", "HEAD");
  private static final List<String> ANY =
      List.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");
  private static final Duration LAST_WRITES = Duration.ofSeconds(1);

  private final RequestPipeline pipeline;
  private final long stallNanos;
  private final HeaderNames names = new HeaderNames();
  private final Undertow undertow;
  private volatile boolean draining;

  /**
   * @param stallTimeout how long a client may take no byte of its answer
   */
  public DataPlane(
      RequestPipeline pipeline, String host, int port, boolean http2, Duration stallTimeout) {
    this.pipeline = pipeline;
    stallNanos = stallTimeout.toNanos();
    undertow =
        Undertow.builder()
            .addHttpListener(port, host)
            .setServerOption(UndertowOptions.ENABLE_HTTP2, http2)
            .setServerOption(UndertowOptions.MAX_HEADER_SIZE, MAX_HEADER_BYTES)
            .setServerOption(UndertowOptions.MAX_HEADERS, MAX_HEADERS)
            // RequestBody holds the bound; Undertow's own default is 2 MiB, and it answers nothing
            .setServerOption(UndertowOptions.MAX_ENTITY_SIZE, -1L)
            .setServerOption(UndertowOptions.DECODE_URL, false)
            .setServerOption(UndertowOptions.ALWAYS_SET_KEEP_ALIVE, false)
            .setSocketOption(Options.TCP_NODELAY, true)
            .setSocketOption(Options.BACKLOG, BACKLOG)
            .setSocketOption(Options.REUSE_ADDRESSES, true)
            .setHandler(new HttpContinueReadHandler(this::handle))
            .build();
  }

  /** Listens from now on. */
  public void start() {
    undertow.start();
  }

  /** The port that is listened on. */
  public int port() {
    return ((InetSocketAddress) undertow.getListenerInfo().getFirst().getAddress()).getPort();
  }

  /** From now on every connection is closed after its answer. */
  public void drain() {
    draining = true;
  }

  private void handle(HttpServerExchange exchange) {
    if (draining) {
      exchange.setPersistent(false);
    }
    String path = exchange.getRequestPath();
    Endpoint endpoint = Endpoint.at(path);
    if (endpoint != null) {
      allow(exchange, POST, endpoint.dialect(), client -> pipeline.begin(client, endpoint));
    } else if (path.equals(MODELS)) {
      allow(exchange, READ, dialectOf(exchange), pipeline::models);
    } else if (path.startsWith(MODELS + "/") && path.length() > MODELS.length() + 1) {
      String id = decoded(path.substring(MODELS.length() + 1));
      allow(exchange, READ, dialectOf(exchange), client -> pipeline.model(client, id));
    } else if (path.startsWith("/v1/")) {
      allow(exchange, ANY, dialectOf(exchange), pipeline::passThrough);
    } else if (path.equals("/")) { // clients probe it; it needs no credential
      allow(exchange, READ, dialectOf(exchange), client -> exchange.endExchange());
    } else {
      RelayError error = RelayError.notFound("there is nothing at " + path);
      refuse(exchange, error, dialectOf(exchange));
    }
  }

  private void allow(
      HttpServerExchange exchange,
      List<String> methods,
      Dialect dialect,
      Consumer<ClientExchange> next) {
    if (!methods.contains(exchange.getRequestMethod().toString())) {
      exchange.getResponseHeaders().put(names.of("allow"), String.join(", ", methods));
      refuse(exchange, RelayError.wrongMethod("use " + String.join(" or ", methods)), dialect);
      return;
    }
    UndertowExchange client =
        new UndertowExchange(exchange, dialect, pathOf(exchange), stallNanos, names);
    exchange.dispatch(SameThreadExecutor.INSTANCE, () -> next.accept(client));
  }

  /** The path as it came: Undertow takes what follows a semicolon out of its own. */
  private static String pathOf(HttpServerExchange exchange) {
    return exchange.isHostIncludedInRequestURI()
        ? exchange.getRequestPath()
        : exchange.getRequestURI();
  }

  private static String decoded(String escaped) {
    try {
      return URLDecoder.decode(escaped.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return escaped; // no model is named so
    }
  }

  private static Dialect dialectOf(HttpServerExchange exchange) {
    return exchange.getRequestHeaders().contains("anthropic-version")
        ? Dialect.ANTHROPIC
        : Dialect.OPENAI;
  }

  private void refuse(HttpServerExchange exchange, RelayError error, Dialect dialect) {
    String id = RequestIds.next();
    exchange.setStatusCode(error.status());
    ErrorBodies.headers(error, id)
        .forEach((name, value) -> exchange.getResponseHeaders().put(names.of(name), value));
    exchange.getResponseSender().send(ByteBuffer.wrap(ErrorBodies.body(dialect, error, id)));
  }

  /** Closes the listener and all connections, once the ends of given answers were written. */
  @Override
  public void close() {
    awaitHandedOver();
    undertow.stop();
  }

  /**
   * Ends of answers were handed to the I/O threads, which work in order: so wait for their turn.
   */
  private void awaitHandedOver() {
    XnioWorker worker = undertow.getWorker();
    int threads = worker.getIoThreadCount();
    CountDownLatch turns = new CountDownLatch(threads);
    for (int n = 0; n < threads; n++) {
      worker.getIoThread(n).execute(turns::countDown);
    }
    try {
      var _ = turns.await(LAST_WRITES.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
