package relay.redis;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;

/**
 * A proxy to Redis that records the traffic: so an engine's real calls are known without hooks in
 * the engine.
 */
final class RecordedRedis implements AutoCloseable {
  /**
   * A command and its answer.
   *
   * @param sentNanos before it was forwarded
   * @param answeredNanos before its answer was forwarded
   */
  record Exchange(List<?> command, Object reply, long sentNanos, long answeredNanos) {
    String word(int n) {
      return (String) command.get(n);
    }
  }

  private record Sent(List<?> command, long nanos) {}

  private final URI redis;
  private final ServerSocket door;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private final Queue<Exchange> exchanges = new ConcurrentLinkedQueue<>();

  RecordedRedis(String url) {
    redis = URI.create(url);
    try {
      door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    var _ = Thread.ofVirtual().start(this::accept);
  }

  String url() {
    return "redis://127.0.0.1:" + door.getLocalPort();
  }

  /** The traffic, in the order of the answers of each connection. */
  Stream<Exchange> exchanges() {
    return exchanges.stream();
  }

  private void accept() {
    try {
      while (true) {
        Socket client = door.accept();
        Socket server = new Socket(redis.getHost(), redis.getPort());
        sockets.addAll(List.of(client, server));
        client.setTcpNoDelay(true);
        server.setTcpNoDelay(true);
        Queue<Sent> sent = new ConcurrentLinkedQueue<>();
        var _ = Thread.ofVirtual().start(() -> passCommands(client, server, sent));
        var _ = Thread.ofVirtual().start(() -> passAnswers(server, client, sent));
      }
    } catch (IOException e) {
      close(); // the proxy is closed
    }
  }

  private void passCommands(Socket from, Socket to, Queue<Sent> sent) {
    try {
      RespMessages messages = new RespMessages(new BufferedInputStream(from.getInputStream()));
      while (messages.next() instanceof List<?> command) {
        sent.add(new Sent(command, System.nanoTime()));
        to.getOutputStream().write(messages.taken());
      }
    } catch (IOException e) {
      close(to);
    }
  }

  private void passAnswers(Socket from, Socket to, Queue<Sent> sent) {
    try {
      RespMessages messages = new RespMessages(new BufferedInputStream(from.getInputStream()));
      while (true) {
        Object reply = messages.next();
        long now = System.nanoTime();
        Sent asked = sent.remove();
        exchanges.add(
            new Exchange(asked.command(), reply == null ? "" : reply, asked.nanos(), now));
        to.getOutputStream().write(messages.taken());
      }
    } catch (IOException e) {
      close(to);
    }
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Ends all connections, and lets no new one through. */
  void cut() {
    try {
      door.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    sockets.forEach(RecordedRedis::close);
  }

  @Override
  public void close() {
    cut();
  }
}
