package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;

/** A proxy for Redis: records requests, and can hold back replies. */
final class RedisRelay implements AutoCloseable {
  private final int redisPort;
  private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.ofLiteral("127.0.0.1"));
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private final StringBuilder asked = new StringBuilder();
  private final Semaphore answers = new Semaphore(1, true);

  RedisRelay(int redisPort) throws IOException {
    this.redisPort = redisPort;
    Thread.ofVirtual().start(this::accept);
  }

  int port() {
    return listener.getLocalPort();
  }

  /** Holds back Redis's replies and clears the recorded requests. */
  void hold() throws InterruptedException {
    answers.acquire();
    synchronized (asked) {
      asked.setLength(0);
    }
  }

  void release() {
    answers.release();
  }

  /** The bytes sent to Redis since {@link #hold}. */
  String asked() {
    synchronized (asked) {
      return asked.toString();
    }
  }

  private void accept() {
    try {
      while (true) {
        Socket client = listener.accept();
        Socket redis = new Socket(InetAddress.ofLiteral("127.0.0.1"), redisPort);
        sockets.addAll(List.of(client, redis));
        Thread.ofVirtual().start(() -> pass(client, redis, false));
        Thread.ofVirtual().start(() -> pass(redis, client, true));
      }
    } catch (IOException e) {
      // closed: the test is over
    }
  }

  private void pass(Socket from, Socket to, boolean isAnswer) {
    byte[] buffer = new byte[64 * 1024];
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        if (isAnswer) {
          answers.acquire();
          answers.release();
        } else {
          synchronized (asked) {
            asked.append(new String(buffer, 0, n, ISO_8859_1));
          }
        }
        out.write(buffer, 0, n);
      }
    } catch (IOException | InterruptedException e) {
      // one side closed: close the other
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Socket socket : sockets) {
      socket.close();
    }
  }
}
