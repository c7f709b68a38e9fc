package relay.edge;

import io.undertow.UndertowOptions;
import io.undertow.connector.ByteBufferPool;
import io.undertow.protocols.http2.Http2Channel;
import io.undertow.server.HttpHandler;
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
import org.xnio.ChannelListener;
import org.xnio.OptionMap;
import org.xnio.StreamConnection;
import relay.carrier.Buffers;
import relay.carrier.Carriers;
import relay.carrier.ClientPort;
import relay.carrier.DescriptorReserve;
import relay.config.TlsConfig;
import relay.memory.MemoryBudget;
import relay.reach.FrameHead;
import relay.reach.HeadDecoder;
import relay.reach.QueuedFrames;

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

  /** Over HTTP/2, where more than that ends the connection with its other streams. */
  private static final int HTTP2_HEAD_BYTES_READ = 4 * HeadCheck.MAX_BYTES;

  private static final int HEAD_LINES_READ = 2 * HeadCheck.MAX_LINES;

  /**
   * In 30 s, in each direction. Undertow's default, 200, ends a connection whose streams all break.
   */
  private static final int MAX_RESETS = 10 * ConnectionStreams.MOST;

  private static final int BACKLOG = 1024;
  private static final int BUFFER_BYTES = 16 * 1024;
  private static final Duration IDLE = Duration.ofMinutes(6); // SDKs keep connections for 5

  static {
    // The default is 20,000 bytes; beyond it Undertow asks HTTP/2 clients to retry. Read once
    System.setProperty(
        Http2Channel.HTTP2_MAX_HEADER_SIZE_PROPERTY, Integer.toString(HTTP2_HEAD_BYTES_READ));
  }

  private final Carriers carriers;
  private final ByteBufferPool buffers = new Buffers(BUFFER_BYTES);
  private final UnfinishedHeads heads;
  private final ClientMemory memory;
  private final FramingGuard guard;
  private final @Nullable Http2Guard shared;
  private final ChannelListener<? super StreamConnection> opener;
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
    OptionMap options =
        OptionMap.builder()
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
    heads = new UnfinishedHeads(memory);
    this.memory = new ClientMemory(memory, heads::closeOldestStranger);
    guard = new FramingGuard(new HttpOpenListener(buffers, options), heads);
    guard.setRootHandler(handler);
    boolean possible = FrameHead.isKnown() && HeadDecoder.isReplaceable() && QueuedFrames.isKnown();
    shared = http2 && possible ? new Http2Guard(http2Port(options), heads) : null;
    if (shared != null) {
      shared.setRootHandler(handler);
    }
    opener = tls == null ? plain(heads, shared) : alpn(options, heads, shared);
  }

  private Http2Port http2Port(OptionMap options) {
    return new Http2Port(buffers, ofStreams(options));
  }

  private static OptionMap ofStreams(OptionMap options) {
    return OptionMap.builder()
        .addAll(options)
        .set(UndertowOptions.ENABLE_HTTP2, true)
        .set(UndertowOptions.MAX_HEADER_SIZE, HTTP2_HEAD_BYTES_READ)
        .set(UndertowOptions.HTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, ConnectionStreams.MOST)
        .set(UndertowOptions.MAX_RST_FRAMES_PER_WINDOW, MAX_RESETS)
        // HeadCheck answers 400; Undertow would reset the stream without a reason
        .set(UndertowOptions.ALLOW_UNESCAPED_CHARACTERS_IN_URL, true)
        .getMap();
  }

  private ChannelListener<? super StreamConnection> plain(
      UnfinishedHeads heads, @Nullable Http2Guard http2) {
    return http2 == null
        ? guard
        : new PrefaceDetection(buffers, heads, guard, http2, IDLE, patience);
  }

  private ChannelListener<? super StreamConnection> alpn(
      OptionMap options, UnfinishedHeads heads, @Nullable Http2Guard http2) {
    AlpnOpenListener alpn = new AlpnOpenListener(buffers, options, guard);
    if (http2 != null) {
      alpn.addProtocol(Http2OpenListener.HTTP2, http2, 1);
    }
    return connection -> { // its handshake may take long, and holds memory
      if (heads.of(connection).admitEarly()) {
        alpn.handleEvent(connection);
      }
    };
  }

  /** Checks the framing of HTTP/1.1 requests. */
  FramingGuard guard() {
    return guard;
  }

  /** What requests may hold. */
  ClientMemory memory() {
    return memory;
  }

  /** The connections that were closed for want of memory. */
  ShedConnections shed() {
    return heads.shed();
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
    guard.closeConnections();
    if (shared != null) {
      shared.closeConnections();
    }
    if (secure != null) {
      secure.close();
    }
  }
}
