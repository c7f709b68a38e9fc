package relay.load;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Connections to servers on loopback, and the event loop that reads their answers on one thread.
 */
final class Driver implements AutoCloseable {
  /** How often a thread that waits for answers looks whether it is to end. */
  static final Duration LOOK_AGAIN = Duration.ofMillis(50);

  private static final int BUFFER_BYTES = 64 << 10;

  private final Selector selector;
  private final List<Integer> ports;
  private final SentRequests requests;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private int dialed;

  /** Callbacks for connections. */
  interface Events {
    /** An answer is complete. */
    void answered(Connection connection) throws IOException;

    /** The connection broke, or the server closed it. */
    void lost(Connection connection, String why) throws IOException;
  }

  /** Distributes connections over the ports in turn. */
  Driver(List<Integer> ports, SentRequests requests) throws IOException {
    this.selector = Selector.open();
    this.ports = ports;
    this.requests = requests;
  }

  /** Opens a connection. Callable from any thread. */
  synchronized Connection dial(BodyPart body) throws IOException {
    int port = ports.get(dialed++ % ports.size());
    SocketChannel channel =
        SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    channel.configureBlocking(false);
    SelectionKey key = channel.register(selector, SelectionKey.OP_READ);
    Connection connection = new Connection(channel, key, new AnswerReader(body), requests);
    key.attach(connection);
    return connection;
  }

  /** Waits for a time. */
  static void parkUntil(long nanos) {
    for (long early = nanos - System.nanoTime(); early > 0; early = nanos - System.nanoTime()) {
      LockSupport.parkNanos(early);
    }
  }

  /** Starts a thread that handles events until it is interrupted. */
  Thread startReader(Events events) {
    return Thread.ofPlatform().daemon().name("answers").start(() -> read(events));
  }

  private void read(Events events) {
    try {
      while (!Thread.currentThread().isInterrupted()) {
        poll(System.nanoTime() + LOOK_AGAIN.toNanos(), events);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Handles events until the given time. */
  void pollUntil(long untilNanos, Events events) throws IOException {
    while (System.nanoTime() - untilNanos < 0) {
      poll(untilNanos, events);
    }
  }

  /** Handles pending events; waits for one until the given time. */
  void poll(long untilNanos, Events events) throws IOException {
    long left = untilNanos - System.nanoTime();
    if (left > 0) {
      selector.select(
          Math.ceilDiv(left, 1_000_000)); // rounded up: a selector's timeout is in milliseconds
    } else {
      selector.selectNow();
    }
    for (SelectionKey key : selector.selectedKeys()) {
      Connection connection = (Connection) key.attachment();
      boolean whole;
      try {
        whole = connection.ready(buffer);
      } catch (IOException | CancelledKeyException e) {
        connection.close();
        events.lost(connection, String.valueOf(e.getMessage()));
        continue;
      }
      if (whole) {
        events.answered(connection);
      }
    }
    selector.selectedKeys().clear();
  }

  @Override
  public void close() throws IOException {
    for (SelectionKey key : selector.keys()) {
      key.channel().close();
    }
    selector.close();
  }
}
