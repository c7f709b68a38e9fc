package relay.admin;

import io.undertow.UndertowOptions;
import io.undertow.connector.PooledByteBuffer;
import io.undertow.server.ExchangeCompletionListener.NextListener;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.protocol.http.HttpOpenListener;
import io.undertow.server.protocol.http.HttpServerConnection;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.xnio.IoUtils;
import org.xnio.OptionMap;
import org.xnio.StreamConnection;
import relay.carrier.Buffers;
import relay.carrier.Carriers;
import relay.carrier.ClientPort;
import relay.config.ServerConfig;
import relay.metrics.ReplicaTotals;
import relay.redis.KeyPool;
import relay.redis.ProviderBreaker;
import relay.redis.UsageTally;
import relay.reload.ConfigState;
import relay.reload.ReloadOutcome;

/** The admin plane's listener. It has its own carrier, so it does not disturb client requests. */
public final class AdminServer implements AutoCloseable {
  private static final int BACKLOG = 128;
  private static final int BUFFER_BYTES = 16 * 1024;

  /** Undertow's own bound is 1 MB, and it applies before the token is known. */
  private static final int HEAD_BYTES = 16 * 1024;

  private static final int HEAD_LINES = 100;

  /** The timeout for a request's head, for its body, and between requests. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** A response may make no progress for this many timeouts: socket buffers hold much data. */
  private static final int READERS = 5;

  private final Carriers carrier = new Carriers("operators", 1);
  private final HttpOpenListener opener;
  private final AdminPlane plane;
  private final WaitingConnections waiting = new WaitingConnections();
  private @Nullable ClientPort port;

  /**
   * The sources of the admin plane's responses.
   *
   * @param server the token, and the clients, as they are now
   * @param readiness asked for each {@code /readyz}; must not block
   * @param metrics all metrics in Prometheus's text format
   * @param pools asked for each request; in the order in which they are shown
   * @param breakers of the providers, by a pool's name
   * @param countedApart accounts that are one organisation and count apart, by a pool's name
   * @param clientLimits the pool of clients' own limits now; gives null if no client has any
   * @param clientUse what clients without limits use
   * @param totals what the replica has done
   * @param answers a part of that, which costs less
   * @param replicas what all replicas tell of themselves, by id
   * @param configuration what the replica runs with now
   * @param reload reads the configuration again
   */
  public record Served(
      Supplier<ServerConfig> server,
      Supplier<Readiness> readiness,
      Supplier<String> metrics,
      Supplier<Collection<KeyPool>> pools,
      Function<String, ProviderBreaker> breakers,
      Function<String, List<List<String>>> countedApart,
      Supplier<@Nullable KeyPool> clientLimits,
      UsageTally clientUse,
      Supplier<ReplicaTotals> totals,
      Supplier<ReplicaTotals.Answers> answers,
      Supplier<Map<String, String>> replicas,
      Supplier<ConfigState> configuration,
      Supplier<CompletableFuture<ReloadOutcome>> reload) {}

  public AdminServer(Served served) {
    this(PATIENCE, served);
  }

  AdminServer(Duration patience, Served served) {
    int millis = (int) patience.toMillis();
    opener =
        new HttpOpenListener(
            new Buffers(BUFFER_BYTES),
            OptionMap.builder()
                .set(UndertowOptions.REQUEST_PARSE_TIMEOUT, millis)
                .set(UndertowOptions.NO_REQUEST_TIMEOUT, millis)
                .set(UndertowOptions.MAX_HEADER_SIZE, HEAD_BYTES)
                .set(UndertowOptions.MAX_HEADERS, HEAD_LINES)
                .getMap());
    plane = new AdminPlane(carrier, served);
    opener.setRootHandler(
        exchange -> {
          waiting.busy(exchange);
          exchange.addExchangeCompleteListener(AdminServer::dropLineEnds);
          watch(exchange, millis, 0, 0);
          plane.handleRequest(exchange);
        });
  }

  /**
   * Drops empty lines that came with a request (RFC 9112, section 2.2): Undertow would take them
   * for a malformed one.
   */
  private static void dropLineEnds(HttpServerExchange ended, NextListener next) {
    if (ended.getConnection() instanceof HttpServerConnection http) {
      PooledByteBuffer following = http.getExtraBytes();
      if (following != null) {
        ByteBuffer bytes = following.getBuffer();
        while (bytes.hasRemaining() && isLineEnd(bytes.get(bytes.position()))) {
          bytes.position(bytes.position() + 1);
        }
        var _ = http.getExtraBytes(); // gives an empty buffer back
      }
    }
    next.proceed();
  }

  private static boolean isLineEnd(byte b) {
    return b == '\r' || b == '\n';
  }

  /**
   * Closes a connection whose client does not send its body or does not read its response. Also
   * after a refusal, because Undertow still reads the body.
   *
   * @param sent the bytes of the response sent so far
   * @param times the number of checks without progress
   */
  private static void watch(HttpServerExchange exchange, int millis, long sent, int times) {
    var _ =
        exchange
            .getIoThread()
            .executeAfter(
                () -> {
                  long now = exchange.getResponseBytesSent();
                  if (exchange.isComplete()) {
                    return;
                  }
                  boolean takesNothing = now == sent && times + 1 >= READERS;
                  if (!exchange.isRequestComplete() || takesNothing) {
                    IoUtils.safeClose(exchange.getConnection());
                  } else {
                    watch(exchange, millis, now, now == sent ? times + 1 : 0);
                  }
                },
                millis,
                TimeUnit.MILLISECONDS);
  }

  /**
   * Starts to listen.
   *
   * @throws UncheckedIOException if the address cannot be bound
   */
  public void start(String host, int port) {
    try {
      this.port = carrier.listen(new InetSocketAddress(host, port), BACKLOG, this::open);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void open(StreamConnection connection) {
    opener.handleEvent(connection);
    waiting.opened(connection);
  }

  /** What the other replicas are to know of this one: a line of a {@code GET /pools}. */
  public String introduction() {
    return plane.introduction();
  }

  /** The listening port; 0 before the start. */
  public int port() {
    return port == null ? 0 : port.address().getPort();
  }

  @Override
  public void close() {
    if (port != null) {
      port.close();
    }
    plane.close();
    opener.closeConnections();
    carrier.close();
  }
}
