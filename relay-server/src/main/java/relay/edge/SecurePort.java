package relay.edge;

import io.undertow.protocols.ssl.UndertowXnioSsl;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.xnio.ChannelListener;
import org.xnio.ChannelListeners;
import org.xnio.IoUtils;
import org.xnio.OptionMap;
import org.xnio.Options;
import org.xnio.StreamConnection;
import org.xnio.Xnio;
import org.xnio.XnioWorker;
import org.xnio.channels.AcceptingChannel;
import org.xnio.ssl.SslConnection;
import relay.carrier.DescriptorReserve;
import relay.config.TlsConfig;

/**
 * A TLS port. XNIO's threads serve it, not the carriers: TLS takes locks, and its arithmetic would
 * delay other connections.
 */
final class SecurePort implements AutoCloseable {
  private static final int HANDSHAKE_THREADS = 4;

  private final XnioWorker worker;
  private final AcceptingChannel<SslConnection> socket;
  private final InetSocketAddress address;
  private final ServerTls tls;

  /**
   * Listens from now on.
   *
   * @param wanted port 0 for any
   * @param patience how long a client may take for its handshake
   * @param opener gets each connection
   * @param descriptors bounds connections
   */
  SecurePort(
      InetSocketAddress wanted,
      int backlog,
      TlsConfig certificate,
      Duration patience,
      ChannelListener<? super StreamConnection> opener,
      DescriptorReserve descriptors)
      throws IOException {
    tls = new ServerTls(certificate);
    Xnio xnio = Xnio.getInstance(SecurePort.class.getClassLoader());
    worker =
        xnio.createWorker(
            OptionMap.builder()
                .set(Options.WORKER_NAME, "clients")
                .set(
                    Options.WORKER_IO_THREADS,
                    Math.max(2, Runtime.getRuntime().availableProcessors()))
                .set(Options.WORKER_TASK_CORE_THREADS, HANDSHAKE_THREADS)
                .set(Options.WORKER_TASK_MAX_THREADS, HANDSHAKE_THREADS)
                .getMap());
    UndertowXnioSsl ssl =
        new UndertowXnioSsl(
            xnio, OptionMap.create(Options.USE_DIRECT_BUFFERS, true), tls.context());
    ChannelListener<SslConnection> open =
        connection -> {
          closeUnlessSecuredWithin(patience, connection);
          opener.handleEvent(connection);
        };
    OptionMap sockets =
        OptionMap.builder()
            .set(Options.TCP_NODELAY, true)
            .set(Options.BACKLOG, backlog)
            .set(Options.REUSE_ADDRESSES, true)
            .set(Options.KEEP_ALIVE, true)
            .getMap();
    try {
      socket =
          ssl.createSslConnectionServer(
              worker, wanted, port -> accept(port, open, descriptors), sockets);
    } catch (IOException | RuntimeException e) {
      worker.shutdownNow();
      throw e;
    }
    address = (InetSocketAddress) socket.getLocalAddress();
    socket.resumeAccepts();
  }

  /** Accepts one connection for each event, or pauses. */
  private static void accept(
      AcceptingChannel<SslConnection> port,
      ChannelListener<SslConnection> open,
      DescriptorReserve descriptors) {
    try {
      if (!descriptors.permits()) {
        pause(port);
        return;
      }
      SslConnection accepted = port.accept();
      if (accepted != null) {
        ChannelListeners.invokeChannelListener(accepted, open);
      }
    } catch (IOException e) { // for instance for want of file descriptors
      pause(port);
    }
  }

  private static void pause(AcceptingChannel<SslConnection> port) {
    port.suspendAccepts();
    var _ =
        port.getIoThread()
            .executeAfter(port::resumeAccepts, DescriptorReserve.PAUSE_MS, TimeUnit.MILLISECONDS);
  }

  /** The timer keeps no closed connection: strangers could otherwise fill the heap with them. */
  private static void closeUnlessSecuredWithin(Duration patience, SslConnection connection) {
    WeakReference<SslConnection> waiting = new WeakReference<>(connection);
    var _ =
        connection
            .getIoThread()
            .executeAfter(
                () -> closeUnlessSecured(waiting.get()),
                patience.toMillis(),
                TimeUnit.MILLISECONDS);
  }

  private static void closeUnlessSecured(@Nullable SslConnection connection) {
    if (connection != null
        && connection.isOpen()
        && connection.getSslSession().getCipherSuite().contains("_NULL_")) {
      IoUtils.safeClose(connection);
    }
  }

  /** Shows another certificate to clients that connect from now on. */
  void certificate(TlsConfig next) {
    tls.use(next);
  }

  InetSocketAddress address() {
    return address;
  }

  /** The I/O threads of its connections. */
  List<? extends Executor> threads() {
    return IntStream.range(0, worker.getIoThreadCount()).mapToObj(worker::getIoThread).toList();
  }

  /** Stops listening. Connections stay open. */
  void closePort() {
    IoUtils.safeClose(socket);
  }

  @Override
  public void close() {
    closePort();
    worker.shutdownNow();
  }
}
