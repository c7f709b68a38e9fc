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
import java.util.concurrent.Semaphore;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import relay.guards.Await;

/**
 * A proxy to Redis that records the traffic: so an engine's real calls are known without hooks in
 * the engine. It may also be a bad network.
 */
public final class RecordedRedis implements AutoCloseable {
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

  private static final long POLL_NANOS = 2_000_000;

  private final URI redis;
  private final ServerSocket door;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private final Queue<Exchange> exchanges = new ConcurrentLinkedQueue<>();
  private final @Nullable Semaphore turn; // of the command that Redis has
  private volatile long delayNanos;
  private volatile boolean silent;

  public RecordedRedis(String url) {
    this(url, null);
  }

  /** Redis gets one command at a time: the order of the answers is that in which it ran them. */
  static RecordedRedis inOrder(String url) {
    return new RecordedRedis(url, new Semaphore(1));
  }

  private RecordedRedis(String url, @Nullable Semaphore turn) {
    redis = URI.create(url);
    this.turn = turn;
    try {
      door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    var _ = Thread.ofVirtual().start(this::accept);
  }

  public String url() {
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
        awaitNetwork();
        if (turn != null) {
          turn.acquireUninterruptibly();
        }
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
        if (turn != null) {
          turn.release();
        }
        Await.moment(asked.nanos() + delayNanos);
        awaitNetwork();
        to.getOutputStream().write(messages.taken());
      }
    } catch (IOException e) {
      close(to);
    }
  }

  private void awaitNetwork() {
    while (silent && !door.isClosed()) {
      Await.moment(System.nanoTime() + POLL_NANOS);
    }
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Each answer comes so long after its command, or later. */
  public void delay(long millis) {
    delayNanos = millis * 1_000_000;
  }

  /** Nothing passes, and no connection ends; what was sent meanwhile arrives afterwards. */
  public void silence(boolean on) {
    silent = on;
  }

  /** Resets all connections; new ones pass. */
  public void reset() {
    for (Socket socket : List.copyOf(sockets)) {
      sockets.remove(socket);
      try {
        socket.setSoLinger(true, 0);
      } catch (IOException e) {
        continue; // it is closed
      }
      close(socket);
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
