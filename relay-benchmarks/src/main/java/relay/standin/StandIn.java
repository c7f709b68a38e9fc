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
 * A provider that answers at once: JSON of about 1 KB, or events if the request's header {@value
 * EVENTS} says how many. HTTP/1.1, loopback only, one thread and one more for streams with a pace.
 * It prints its port, and ends when its standard input does.
 */
public final class StandIn {
  /** A request's header: content events of the stream that is to be the answer. */
  public static final String EVENTS = "x-standin-events";

  /** A request's header: milliseconds between two of them; without it they come back to back. */
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

  /** Serves until its standard input ends. */
  public static void main(String... args) throws IOException {
    StandIn standIn = new StandIn();
    System.out.println(((InetSocketAddress) standIn.listener.getLocalAddress()).getPort());
    Thread.ofPlatform().daemon().start(StandIn::endWithInput);
    standIn.pacer.start();
    while (true) {
      standIn.selector.select(standIn::ready);
    }
  }

  private static void endWithInput() {
    try {
      while (System.in.read() >= 0) {
        // whoever started it is still there
      }
    } catch (IOException e) {
      // likewise the end
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
      System.err.println("stand-in: a connection could not be taken: " + e.getMessage());
    }
  }
}
