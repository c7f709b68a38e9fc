package relay.upstream;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Sockets that send what they are given when it is flushed, at once (TCP_NODELAY) and as one, and
 * that tell before a read which may have to wait: see {@link ReadWait}.
 */
final class EagerSockets extends SocketFactory {

  private static final int SPARE_ROOMS = 64;

  private final Queue<byte[]> rooms = new ArrayBlockingQueue<>(SPARE_ROOMS);

  private final class EagerSocket extends Socket {
    EagerSocket() throws IOException {
      setTcpNoDelay(true);
    }

    @Override
    public OutputStream getOutputStream() throws IOException {
      return new GatheringOutput(super.getOutputStream(), rooms);
    }

    @Override
    public InputStream getInputStream() throws IOException {
      return new FilterInputStream(super.getInputStream()) {
        @Override
        public int read() throws IOException {
          ReadWait.announce();
          return super.read();
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
          ReadWait.announce();
          return super.read(bytes, offset, length);
        }
      };
    }
  }

  @Override
  public Socket createSocket() throws IOException {
    return new EagerSocket();
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return connected(new InetSocketAddress(host, port), null);
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress from, int fromPort)
      throws IOException {
    return connected(new InetSocketAddress(host, port), new InetSocketAddress(from, fromPort));
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
    Socket socket = new EagerSocket();
    socket.bind(from);
    socket.connect(to);
    return socket;
  }
}
