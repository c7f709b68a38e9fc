package relay.standin;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/**
 * A provider that answers at once: JSON of about 1 KB, or the number of events in the request's
 * header {@value EVENTS}. HTTP/1.1, loopback only, with one thread, plus one for paced streams.
 * Prints its port, and ends at the end of its standard input.
 */
public final class StandIn {
  /** Request header: the number of content events in the streamed answer. */
  public static final String EVENTS = "x-standin-events";

  /** Request header: milliseconds between two events; by default they are sent back to back. */
  public static final String INTERVAL = "x-standin-interval-ms";

  private static final int BACKLOG = 4096;

  private final Selector selector;
  private final ServerSocketChannel listener;
  private final Pacer pacer = new Pacer();
  private final Frames frames = new Frames();

  private StandIn() throws IOException {
    selector = Selector.open();
    listener = ServerSocketChannel.open();
    listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), BACKLOG);
    listener.configureBlocking(false);
    listener.register(selector, SelectionKey.OP_ACCEPT);
  }

  /** Serves until standard input ends. */
  public static void main(String... args) throws IOException {
    StandIn standIn = new StandIn();
    System.out.println(((InetSocketAddress) standIn.listener.getLocalAddress()).getPort());
    Thread.ofPlatform().daemon().start(StandIn::endWithInput);
    standIn.pacer.start();
    while (true) {
      standIn.selector.select(standIn::ready);
    }
  }

  /** Waits for the end of standard input, and ends the process. */
  static void endWithInput() {
    try {
      while (System.in.read() >= 0) {
        // the parent process is still alive
      }
    } catch (IOException e) {
      // also means that the parent has ended
    }
    Runtime.getRuntime().halt(0);
  }

  private void ready(SelectionKey key) {
    if (!(key.attachment() instanceof Conversation conversation)) {
      accept();
      return;
    }
    try {
      conversation.ready(key, frames);
    } catch (IOException | IllegalArgumentException | CancelledKeyException e) {
      conversation.close();
    }
  }

  private void accept() {
    try {
      for (SocketChannel channel = listener.accept();
          channel != null;
          channel = listener.accept()) {
        channel.configureBlocking(false);
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        SelectionKey key = channel.register(selector, SelectionKey.OP_READ);
        key.attach(new Conversation(channel, key, pacer));
      }
    } catch (IOException e) {
      System.err.println("stand-in: cannot accept a connection: " + e.getMessage());
    }
  }
}
