package relay.carrier;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.xnio.ChannelListener;
import org.xnio.StreamConnection;

/** A listening port. The carrier with the fewest connections serves the next one. */
public final class ClientPort implements Carrier.Carried, AutoCloseable {
  /** Pause after accept() failed or is not permitted, for want of file descriptors. */
  private static final long PAUSE_MS = DescriptorReserve.PAUSE_MS;

  /** Connections accepted per readiness event; then other events get their turn. */
  private static final int AT_ONCE = 64;

  private final Carrier carrier;
  private final Supplier<Carrier> next;
  private final ChannelListener<? super StreamConnection> opener;
  private final BooleanSupplier permits;
  private final ServerSocketChannel server;
  private final InetSocketAddress address;

  /**
   * @param carrier accepts the connections
   * @param next chooses the carrier of the next connection
   * @param opener gets each connection, on its carrier
   * @param permits whether to accept one more connection; if not, the port pauses
   */
  ClientPort(
      Carrier carrier,
      Supplier<Carrier> next,
      InetSocketAddress wanted,
      int backlog,
      ChannelListener<? super StreamConnection> opener,
      BooleanSupplier permits)
      throws IOException {
    this.carrier = carrier;
    this.next = next;
    this.opener = opener;
    this.permits = permits;
    server = ServerSocketChannel.open();
    try {
      server.configureBlocking(false);
      server.setOption(StandardSocketOptions.SO_REUSEADDR, true);
      server.bind(wanted, backlog);
      address = (InetSocketAddress) server.getLocalAddress();
    } catch (IOException e) {
      server.close();
      throw e;
    }
    carrier.execute(this::register);
  }

  /** The address that is bound. */
  public InetSocketAddress address() {
    return address;
  }

  private void register() {
    try {
      var _ = carrier.keep(server, SelectionKey.OP_ACCEPT, this);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void ready(SelectionKey key) {
    try {
      for (int n = 0; n < AT_ONCE; n++) {
        if (!permits.getAsBoolean()) {
          rest(key);
          return;
        }
        SocketChannel accepted = server.accept();
        if (accepted == null) {
          return;
        }
        take(accepted);
      }
    } catch (IOException e) {
      rest(key);
    }
  }

  private void rest(SelectionKey key) {
    if (key.isValid()) {
      key.interestOps(0);
      carrier.executeAfter(() -> goOn(key), PAUSE_MS, TimeUnit.MILLISECONDS);
    }
  }

  private static void goOn(SelectionKey key) {
    if (key.isValid()) {
      key.interestOps(SelectionKey.OP_ACCEPT);
    }
  }

  private void take(SocketChannel accepted) throws IOException {
    try {
      accepted.configureBlocking(false);
      accepted.setOption(StandardSocketOptions.TCP_NODELAY, true);
      accepted.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
    } catch (IOException e) { // the client has closed it
      accepted.close();
      return;
    }
    Carrier home = next.get();
    ClientConnection connection = new ClientConnection(home, accepted);
    home.execute(() -> open(connection));
  }

  private void open(ClientConnection connection) {
    try {
      connection.socket().register();
    } catch (IOException e) {
      connection.abandon();
      return;
    }
    opener.handleEvent(connection);
  }

  /** Stops listening, from any thread. Connections stay open. */
  @Override
  public void close() {
    carrier.execute(this::end);
  }

  private void end() {
    carrier.forget(this);
    try {
      server.close();
    } catch (IOException e) {
      // closed either way
    }
  }
}
