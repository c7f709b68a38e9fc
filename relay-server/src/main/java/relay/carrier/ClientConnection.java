package relay.carrier;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;
import org.xnio.IoUtils;
import org.xnio.Option;
import org.xnio.Options;
import org.xnio.StreamConnection;

/** A client's connection, served by a carrier. */
final class ClientConnection extends StreamConnection {
  private final Carrier carrier;
  private final ClientSocket socket;

  ClientConnection(Carrier carrier, SocketChannel channel) {
    super(carrier);
    this.carrier = carrier;
    socket = new ClientSocket(carrier, channel, this);
    setSourceConduit(socket.input());
    setSinkConduit(socket.output());
    carrier.connections().getAndIncrement();
  }

  ClientSocket socket() {
    return socket;
  }

  boolean endOfReads() {
    return readClosed();
  }

  boolean endOfWrites() {
    return writeClosed();
  }

  /** Closes it, from any thread. */
  void abandon() {
    IoUtils.safeClose(this);
  }

  /** Supports {@link Options#CLOSE_ABORT} only: a close will send a reset. */
  @Override
  public <T> T setOption(Option<T> option, T value) throws IOException {
    if (option.equals(Options.CLOSE_ABORT)) {
      int seconds = Options.CLOSE_ABORT.cast(value) ? 0 : -1;
      socket.channel().setOption(StandardSocketOptions.SO_LINGER, seconds);
    }
    return super.setOption(option, value);
  }

  @Override
  protected void notifyReadClosed() {
    socket.input().ended();
    super.notifyReadClosed();
  }

  @Override
  protected void notifyWriteClosed() {
    socket.output().ended();
    super.notifyWriteClosed();
  }

  @Override
  protected void closeAction() {
    carrier.connections().getAndDecrement();
    socket.end();
  }

  @Override
  public InetSocketAddress getPeerAddress() {
    Socket known = socket.channel().socket();
    return new InetSocketAddress(known.getInetAddress(), known.getPort());
  }

  @Override
  public InetSocketAddress getLocalAddress() {
    Socket known = socket.channel().socket();
    return new InetSocketAddress(known.getLocalAddress(), known.getLocalPort());
  }
}
