package relay.e2e;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import relay.guards.Await;

/** A TCP proxy before a server, whose answers it can delay. */
final class SlowPipe implements AutoCloseable {
  private static final long DELAY_NANOS = 300_000_000;
  private static final long TRICKLE_NANOS = 20_000_000;

  /** What happens to the server's bytes. */
  enum Way {
    PASS,
    DELAY,
    TRICKLE,
    DROP
  }

  private final ServerSocket door = new ServerSocket(0, 50, InetAddress.ofLiteral("127.0.0.1"));
  private final int serverPort;
  private final List<Socket> open = new CopyOnWriteArrayList<>();
  private final Semaphore answers = new Semaphore(0);
  private volatile Way way;

  SlowPipe(int serverPort, Way way) throws IOException {
    this.serverPort = serverPort;
    this.way = way;
    Thread.ofVirtual().start(this::accept);
  }

  int port() {
    return door.getLocalPort();
  }

  /** Holds from the next bytes on. */
  void way(Way next) {
    way = next;
  }

  /** Has a permit for each answer of the server, passed on or not. */
  Semaphore answers() {
    return answers;
  }

  private void accept() {
    try {
      while (true) {
        Socket client = door.accept();
        Socket server = new Socket(InetAddress.ofLiteral("127.0.0.1"), serverPort);
        client.setTcpNoDelay(true);
        server.setTcpNoDelay(true);
        open.addAll(List.of(client, server));
        Thread.ofVirtual().start(() -> copy(client, server, false));
        Thread.ofVirtual().start(() -> copy(server, client, true));
      }
    } catch (IOException e) {
      // closed
    }
  }

  private void copy(Socket from, Socket to, boolean slowly) {
    byte[] bytes = new byte[16_384];
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int n = in.read(bytes); n >= 0; n = in.read(bytes)) {
        if (slowly) {
          answers.release();
          pass(bytes, n, out);
        } else {
          out.write(bytes, 0, n);
        }
      }
    } catch (IOException e) {
      // one of them has closed it
    }
  }

  private void pass(byte[] bytes, int n, OutputStream out) throws IOException {
    switch (way) {
      case PASS -> out.write(bytes, 0, n);
      case DELAY -> {
        Await.moment(System.nanoTime() + DELAY_NANOS);
        out.write(bytes, 0, n);
      }
      case TRICKLE -> {
        for (int at = 0; at < n; at++) {
          Await.moment(System.nanoTime() + TRICKLE_NANOS);
          out.write(bytes, at, 1);
        }
      }
      case DROP -> {}
    }
  }

  @Override
  public void close() throws IOException {
    door.close();
    for (Socket socket : open) {
      socket.close();
    }
  }
}
