package relay.carrier;

import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.channels.SocketChannel;
import org.xnio.IoUtils;
import org.xnio.StreamConnection;

/** A client's connection that a carrier serves. */
final class ClientConnection extends StreamConnection {
  private final Carrier carrier;
  private final ClientSocket socket;

  ClientConnection(Carrier carrier, SocketChannel channel) {
    super(carrier);
    this.carrier = carrier;
    socket = new ClientSocket(carrier, channel, this);
    setSourceConduit(socket);
    setSinkConduit(socket);
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

  @Override
  protected void notifyReadClosed() {
    socket.readsEnded();
    super.notifyReadClosed();
  }

  @Override
  protected void notifyWriteClosed() {
    socket.writesEnded();
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
