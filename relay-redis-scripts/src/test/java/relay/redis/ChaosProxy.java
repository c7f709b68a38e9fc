package relay.redis;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import relay.guards.Await;

/** The network between an engine and its Redis: it may be slow, silent, or cut. */
final class ChaosProxy implements AutoCloseable {
  private final int port;
  private final ServerSocket door;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private volatile long delayNanos;
  private volatile boolean silent;

  /** Bytes, and when they arrive. */
  private record Chunk(ByteBuffer bytes, long dueNanos) {}

  /**
   * @param port of the Redis on 127.0.0.1
   */
  ChaosProxy(int port) {
    this.port = port;
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

  /** Each answer comes so much later. */
  void delay(long millis) {
    delayNanos = millis * 1_000_000;
  }

  /** Nothing passes, and no connection ends; what was sent meanwhile arrives afterwards. */
  void silence(boolean on) {
    silent = on;
  }

  /** Resets all connections. */
  void reset() {
    for (Socket socket : sockets) {
      try {
        socket.setSoLinger(true, 0);
      } catch (IOException e) {
        // it is closed
      }
      close(socket);
    }
  }

  private void accept() {
    try {
      while (true) {
        Socket client = door.accept();
        try {
          Socket server = new Socket(InetAddress.getLoopbackAddress(), port);
          sockets.add(client);
          sockets.add(server);
          client.setTcpNoDelay(true);
          server.setTcpNoDelay(true);
          pass(client, server, false);
          pass(server, client, true);
        } catch (IOException e) {
          close(client); // Redis refuses
        }
      }
    } catch (IOException e) {
      reset(); // the proxy is closed
    }
  }

  private void pass(Socket from, Socket to, boolean late) {
    BlockingQueue<Chunk> way = new LinkedBlockingQueue<>(10_000);
    var _ = Thread.ofVirtual().start(() -> read(from, way, late));
    var _ = Thread.ofVirtual().start(() -> write(from, to, way));
  }

  private void read(Socket from, BlockingQueue<Chunk> way, boolean late) {
    byte[] buffer = new byte[16_384];
    try {
      for (int n = from.getInputStream().read(buffer);
          n >= 0;
          n = from.getInputStream().read(buffer)) {
        ByteBuffer bytes = ByteBuffer.wrap(Arrays.copyOf(buffer, n));
        way.put(new Chunk(bytes, System.nanoTime() + (late ? delayNanos : 0)));
      }
    } catch (IOException e) {
      // the end, as below
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    way.offer(new Chunk(ByteBuffer.allocate(0), System.nanoTime()));
  }

  private void write(Socket from, Socket to, BlockingQueue<Chunk> way) {
    try {
      for (Chunk chunk = way.take(); chunk.bytes().hasRemaining(); chunk = way.take()) {
        Await.moment(chunk.dueNanos());
        while (silent && !door.isClosed()) {
          Await.moment(System.nanoTime() + 5_000_000);
        }
        to.getOutputStream().write(chunk.bytes().array());
      }
    } catch (IOException e) {
      // the end
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    close(from);
    close(to);
  }

  private void close(Socket socket) {
    sockets.remove(socket);
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    try {
      door.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    reset();
  }
}
