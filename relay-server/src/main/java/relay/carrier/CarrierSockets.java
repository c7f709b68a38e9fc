package relay.carrier;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.function.IntUnaryOperator;
import java.util.function.Predicate;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Sockets watched by a carrier. They gather writes until a flush, and then send them at once
 * (TCP_NODELAY), together.
 */
public final class CarrierSockets extends SocketFactory {
  private final Carrier carrier;
  private final Runnable beforeWaiting;
  private final IntUnaryOperator connectTimeout;
  private final SpareBuffers rooms;
  private final TlsBuffers tlsBuffers;

  CarrierSockets(
      Carrier carrier,
      Runnable beforeWaiting,
      IntUnaryOperator connectTimeout,
      SpareBuffers rooms,
      TlsBuffers tlsBuffers) {
    this.carrier = carrier;
    this.beforeWaiting = beforeWaiting;
    this.connectTimeout = connectTimeout;
    this.rooms = rooms;
    this.tlsBuffers = tlsBuffers;
  }

  /** Whether a socket was made by any instance of this class, or is TLS on such a socket. */
  public static boolean made(Socket socket) {
    return socket instanceof CarrierSocket || socket instanceof SecureSocket;
  }

  /**
   * Whether input or the end of the stream arrived on this {@link #made} socket while no thread
   * reads. An idle connection with such input must not get a request.
   */
  public static boolean hasUnsolicitedInput(Socket socket) {
    return endpoint(socket).connection().hasUnsolicitedInput();
  }

  /**
   * Waits until a read of this {@link #made} socket would return or fail at once. For its reading
   * thread, which needs no buffer meanwhile.
   *
   * @param parkedConsumer gets the bytes that arrive during the wait, in a buffer backed by an
   *     array, and returns whether to wait on. It runs on the carrier: it must not block, wait for
   *     a lock, or keep the buffer. Null for none. Unused if no carrier runs the reader
   * @return whether there is input to read; false if the consumer took it and returned false
   */
  public static boolean awaitBytes(Socket socket, @Nullable Predicate<ByteBuffer> parkedConsumer) {
    return endpoint(socket).connection().awaitBytes(parkedConsumer);
  }

  /**
   * Lends direct memory to a write on a {@link #made} socket, through layers that accept arrays
   * only.
   *
   * @param bytes the body, with room for a head before it
   * @return an array that stands for the bytes: a write of it writes them, until {@link #takeBack}
   */
  public static byte[] lend(Socket socket, ByteBuffer bytes) {
    return endpoint(socket).output().lend(bytes);
  }

  /** Ends what {@link #lend} began. */
  public static void takeBack(Socket socket) {
    endpoint(socket).output().takeBack();
  }

  private static CarrierEndpoint endpoint(Socket made) {
    return (made instanceof SecureSocket secure ? secure.socket() : (CarrierSocket) made)
        .endpoint();
  }

  @Override
  public Socket createSocket() throws IOException {
    CarrierChannel connection = new CarrierChannel(carrier, beforeWaiting);
    return new CarrierSocket(new CarrierEndpoint(connection, connectTimeout, rooms, tlsBuffers));
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return createSocket(InetAddress.getByName(host), port);
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress from, int fromPort)
      throws IOException {
    return createSocket(InetAddress.getByName(host), port, from, fromPort);
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return connected(new InetSocketAddress(host, port), null);
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress from, int fromPort)
      throws IOException {
    return connected(new InetSocketAddress(host, port), new InetSocketAddress(from, fromPort));
  }

  private Socket connected(InetSocketAddress to, @Nullable InetSocketAddress from)
      throws IOException {
    Socket socket = createSocket();
    try {
      if (from != null) {
        socket.bind(from);
      }
      socket.connect(to);
    } catch (IOException e) {
      socket.close();
      throw e;
    }
    return socket;
  }
}
