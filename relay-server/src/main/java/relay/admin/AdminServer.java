package relay.admin;

import io.undertow.UndertowOptions;
import io.undertow.server.protocol.http.HttpOpenListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.xnio.OptionMap;
import relay.carrier.Buffers;
import relay.carrier.Carriers;
import relay.carrier.ClientPort;
import relay.config.ServerConfig;
import relay.redis.KeyPool;
import relay.redis.ProviderBreaker;
import relay.redis.UsageTally;

/**
 * The listener for operators. It has a carrier of its own, which leaves the clients' undisturbed.
 */
public final class AdminServer implements AutoCloseable {
  private static final int BACKLOG = 128;
  private static final int BUFFER_BYTES = 16 * 1024;
  private static final int PATIENCE_MS = 60_000; // for a request's head, and between requests

  private final Carriers carrier = new Carriers("operators", 1);
  private final HttpOpenListener opener =
      new HttpOpenListener(
          new Buffers(BUFFER_BYTES),
          OptionMap.builder()
              .set(UndertowOptions.REQUEST_PARSE_TIMEOUT, PATIENCE_MS)
              .set(UndertowOptions.NO_REQUEST_TIMEOUT, PATIENCE_MS)
              .set(UndertowOptions.BUFFER_PIPELINED_DATA, true)
              .getMap());
  private @Nullable ClientPort port;

  /**
   * @param server the token, and the clients
   * @param readiness asked for each {@code /readyz}; must not block
   * @param metrics all metrics in Prometheus's text format
   * @param pools asked for each request; in the order in which they are shown
   * @param breakers of the providers, by a pool's name
   * @param clientLimits the pool of clients' own limits; null if no client has any
   * @param clientUse what clients without limits use
   */
  public AdminServer(
      ServerConfig server,
      Supplier<Readiness> readiness,
      Supplier<String> metrics,
      Supplier<Collection<KeyPool>> pools,
      Function<String, ProviderBreaker> breakers,
      @Nullable KeyPool clientLimits,
      UsageTally clientUse) {
    opener.setRootHandler(
        new AdminPlane(
            carrier, server, readiness, metrics, pools, breakers, clientLimits, clientUse));
  }

  /**
   * Listens from now on.
   *
   * @throws UncheckedIOException when the address cannot be listened on
   */
  public void start(String host, int port) {
    try {
      this.port = carrier.listen(new InetSocketAddress(host, port), BACKLOG, opener);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The port that is listened on; 0 before the start. */
  public int port() {
    return port == null ? 0 : port.address().getPort();
  }

  @Override
  public void close() {
    if (port != null) {
      port.close();
    }
    opener.closeConnections();
    carrier.close();
  }
}
