package relay.carrier;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.function.Predicate;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Sockets that a carrier waits for, and that send what they are given when it is flushed, at once
 * (TCP_NODELAY) and as one.
 */
public final class CarrierSockets extends SocketFactory {
  private final Carrier carrier;
  private final Runnable beforeWaiting;
  private final SpareBuffers rooms;
  private volatile @Nullable CarrierChannel last;

  CarrierSockets(Carrier carrier, Runnable beforeWaiting, SpareBuffers rooms) {
    this.carrier = carrier;
    this.beforeWaiting = beforeWaiting;
    this.rooms = rooms;
  }

  /**
   * Whether something came on the socket that was made last, or its end, that nobody waits for:
   * while no request is under way there, that means that none should begin. Known to tasks of its
   * carrier only; others are told false.
   */
  public boolean hasUnsolicitedInput() {
    CarrierChannel known = last;
    return known != null && known.hasUnsolicitedInput();
  }

  /** Whether a socket was made here, by any of these. */
  public static boolean made(Socket socket) {
    return socket instanceof CarrierSocket;
  }

  /**
   * By the reader of a socket that was {@link #made} here: waits until something came, the end or a
   * fault included, which the next read finds. A reader that waits so needs no room meanwhile.
   *
   * @param parkedConsumer is given what comes while the reader waits, an array behind it, and
   *     returns whether to wait on. It is run by the carrier, so it must not block, nor wait for a
   *     lock, and keeps nothing of the buffer. Null for none; where no carrier runs the reader it
   *     is not asked
   * @return whether there is something to read; false if the stand-in had it, and returned false
   */
  public static boolean awaitBytes(Socket socket, @Nullable Predicate<ByteBuffer> parkedConsumer) {
    return ((CarrierSocket) socket).endpoint.connection().awaitBytes(parkedConsumer);
  }

  /**
   * Lends memory outside of the heap to whoever is about to write to a socket that was {@link
   * #made} here, through layers that know arrays only.
   *
   * @param bytes with room before them for a head
   * @return stands for the bytes: when it is written, though it is empty, they are; until {@link
   *     #takeBack}
   */
  public static byte[] lend(Socket socket, ByteBuffer bytes) {
    return ((CarrierSocket) socket).endpoint.output().lend(bytes);
  }

  /** Ends what {@link #lend} began. */
  public static void takeBack(Socket socket) {
    ((CarrierSocket) socket).endpoint.output().takeBack();
  }

  private static final class CarrierSocket extends Socket {
    private final CarrierEndpoint endpoint;

    CarrierSocket(CarrierEndpoint endpoint) throws IOException {
      super(endpoint);
      this.endpoint = endpoint;
    }

    /** The socket's own would not pass a flush on. */
    @Override
    public OutputStream getOutputStream() throws IOException {
      super.getOutputStream(); // which looks whether there may be one
      return endpoint.getOutputStream();
    }

    /** A socket that was never used would not close what it is made of. */
    @Override
    public void close() throws IOException {
      super.close();
      endpoint.close();
    }
  }

  @Override
  public Socket createSocket() throws IOException {
    CarrierChannel connection = new CarrierChannel(carrier, beforeWaiting);
    last = connection;
    return new CarrierSocket(new CarrierEndpoint(connection, rooms));
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
