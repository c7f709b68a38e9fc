package relay.edge;

import io.undertow.UndertowOptions;
import io.undertow.connector.ByteBufferPool;
import io.undertow.protocols.http2.Http2Channel;
import io.undertow.server.HttpHandler;
import io.undertow.server.OpenListener;
import io.undertow.server.protocol.http.AlpnOpenListener;
import io.undertow.server.protocol.http.HttpOpenListener;
import io.undertow.server.protocol.http2.Http2OpenListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.xnio.OptionMap;
import relay.carrier.Buffers;
import relay.carrier.Carriers;
import relay.carrier.ClientPort;
import relay.carrier.DescriptorReserve;
import relay.config.TlsConfig;
import relay.memory.MemoryBudget;

/**
 * The port that clients connect to: HTTP/1.1, and HTTP/2 by prior knowledge or, with TLS, by ALPN.
 * {@code Upgrade} is never accepted. Built by hand: Undertow's builder has no place for a {@link
 * FramingGuard} before its parser.
 */
final class Listener {
  /**
   * Undertow reads twice as much of a head as {@link HeadCheck} allows: Undertow itself would
   * refuse without a reason.
   */
  private static final int HEAD_BYTES_READ = 2 * HeadCheck.MAX_BYTES;

  private static final int HEAD_LINES_READ = 2 * HeadCheck.MAX_LINES;
  private static final int MAX_STREAMS = 1000; // of one HTTP/2 connection, at once
  private static final int BACKLOG = 1024;
  private static final int BUFFER_BYTES = 16 * 1024;
  private static final Duration IDLE = Duration.ofMinutes(6); // SDKs keep connections for 5

  static {
    // The default is 20,000 bytes; beyond it Undertow asks HTTP/2 clients to retry. Read once
    System.setProperty(
        Http2Channel.HTTP2_MAX_HEADER_SIZE_PROPERTY, Integer.toString(HEAD_BYTES_READ));
  }

  private final Carriers carriers;
  private final OptionMap options;
  private final ByteBufferPool buffers = new Buffers(BUFFER_BYTES);
  private final FramingGuard guard;
  private final OpenListener opener;
  private final @Nullable TlsConfig tls;
  private final Duration patience;
  private final DescriptorReserve descriptors;
  private @Nullable ClientPort plain;
  private @Nullable SecurePort secure;

  /**
   * @param patience how long a client may take for a TLS handshake, and for a head
   * @param carriers serve plain connections
   * @param memory bounds unfinished heads
   * @param descriptors bounds connections
   */
  Listener(
      boolean http2,
      @Nullable TlsConfig tls,
      Duration patience,
      HttpHandler handler,
      Carriers carriers,
      MemoryBudget memory,
      DescriptorReserve descriptors) {
    this.tls = tls;
    this.patience = patience;
    this.carriers = carriers;
    this.descriptors = descriptors;
    options =
        OptionMap.builder()
            .set(UndertowOptions.ENABLE_HTTP2, http2)
            .set(UndertowOptions.HTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, MAX_STREAMS)
            .set(UndertowOptions.MAX_HEADER_SIZE, HEAD_BYTES_READ)
            .set(UndertowOptions.MAX_HEADERS, HEAD_LINES_READ)
            .set(UndertowOptions.REQUEST_PARSE_TIMEOUT, (int) patience.toMillis())
            .set(UndertowOptions.NO_REQUEST_TIMEOUT, (int) IDLE.toMillis())
            // BodyReader has the bound; Undertow's own, 2 MiB, closes without an answer
            .set(UndertowOptions.MAX_ENTITY_SIZE, -1L)
            .set(UndertowOptions.DECODE_URL, false)
            .set(UndertowOptions.ALWAYS_SET_KEEP_ALIVE, false)
            .set(UndertowOptions.BUFFER_PIPELINED_DATA, true)
            .getMap();
    UnfinishedHeads heads = new UnfinishedHeads(memory);
    guard = new FramingGuard(new HttpOpenListener(buffers, options), heads);
    opener = tls == null ? guard : alpn(http2, heads);
    opener.setRootHandler(handler);
  }

  private OpenListener alpn(boolean http2, UnfinishedHeads heads) {
    AlpnOpenListener alpn = new AlpnOpenListener(buffers, options, guard);
    if (http2) {
      Http2OpenListener listener = new Http2OpenListener(buffers, options);
      alpn.addProtocol(Http2OpenListener.HTTP2, new Http2Guard(listener, heads), 1);
    }
    return alpn;
  }

  /** Checks the framing of HTTP/1.1 requests. */
  FramingGuard guard() {
    return guard;
  }

  /** The I/O threads of the connections. */
  List<? extends Executor> threads() {
    return secure == null ? carriers.threads() : secure.threads();
  }

  /**
   * Listens from now on.
   *
   * @throws UncheckedIOException when the address cannot be listened on
   */
  void start(String host, int port) {
    InetSocketAddress address = new InetSocketAddress(host, port);
    try {
      if (tls == null) {
        plain = carriers.listen(address, BACKLOG, opener, descriptors::permits);
      } else {
        secure = new SecurePort(address, BACKLOG, tls, patience, opener, descriptors);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Shows another certificate to clients that connect from now on, if TLS is spoken. */
  void certificate(TlsConfig next) {
    if (secure != null) {
      secure.certificate(next);
    }
  }

  /** The port that is listened on; 0 before the start. */
  int port() {
    if (plain != null) {
      return plain.address().getPort();
    }
    return secure == null ? 0 : secure.address().getPort();
  }

  /** Stops accepting connections, soon. */
  void closePort() {
    if (plain != null) {
      plain.close();
    }
    if (secure != null) {
      secure.closePort();
    }
  }

  /** Closes all connections. */
  void stop() {
    closePort();
    opener.closeConnections();
    if (secure != null) {
      secure.close();
    }
  }
}
