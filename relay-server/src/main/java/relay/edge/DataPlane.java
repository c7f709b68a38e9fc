package relay.edge;

import io.undertow.Undertow;
import io.undertow.UndertowOptions;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.handlers.HttpContinueReadHandler;
import io.undertow.util.HttpString;
import io.undertow.util.Methods;
import io.undertow.util.SameThreadExecutor;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.xnio.Options;
import org.xnio.XnioWorker;
import relay.model.Dialect;
import relay.model.Endpoint;
import relay.model.RelayError;
import relay.pipeline.ErrorBodies;
import relay.pipeline.RequestIds;
import relay.pipeline.RequestPipeline;

/** The listener for clients, and its routes. */
public final class DataPlane implements AutoCloseable {
  private static final int MAX_HEADER_BYTES = 64 * 1024;
  private static final int MAX_HEADERS = 200;
  private static final int BACKLOG = 1024;
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
    Endpoint endpoint = Endpoint.at(exchange.getRequestPath());
    HttpString method = exchange.getRequestMethod();
    if (endpoint != null && method.equals(Methods.POST)) {
      exchange.dispatch(
          SameThreadExecutor.INSTANCE,
          () -> pipeline.begin(new UndertowExchange(exchange, endpoint, stallNanos, names)));
    } else if (endpoint != null) {
      exchange.getResponseHeaders().put(names.of("allow"), "POST");
      refuse(exchange, RelayError.wrongMethod("use POST"), endpoint.dialect());
    } else if (exchange.getRequestPath().equals("/")) {
      root(exchange);
    } else {
      refuse(
          exchange,
          RelayError.notFound("there is nothing at " + exchange.getRequestPath()),
          dialectOf(exchange));
    }
  }

  /** Clients probe it; it needs no credential. */
  private void root(HttpServerExchange exchange) {
    if (exchange.getRequestMethod().equals(Methods.GET)
        || exchange.getRequestMethod().equals(Methods.HEAD)) {
      exchange.endExchange();
    } else {
      exchange.getResponseHeaders().put(names.of("allow"), "GET, HEAD");
      refuse(exchange, RelayError.wrongMethod("use GET or HEAD"), dialectOf(exchange));
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
