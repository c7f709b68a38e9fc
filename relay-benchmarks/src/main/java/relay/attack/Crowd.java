package relay.attack;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

/** Connections that are opened at a bounded rate, and closed together. */
final class Crowd implements AutoCloseable {
  /**
   * Connections opened between two pauses. Without pauses the crowd would starve the normal
   * clients.
   */
  private static final int AT_ONCE = 20;

  private static final int PAUSE_MS = 20;

  private final List<SocketChannel> channels = new ArrayList<>();
  private final Target target;
  private final String part;
  private final int port;

  Crowd(Target target, String part, int port) {
    this.target = target;
    this.part = part;
    this.port = port;
  }

  /** Opens connections, and writes the same bytes to each as far as it takes them at once. */
  void open(int number, byte[] bytes) throws IOException {
    for (int n = 0; n < number && !target.isOver(); n++) {
      SocketChannel channel = SocketChannel.open(Wire.loopback(port));
      channels.add(channel);
      channel.configureBlocking(false);
      write(channel, bytes);
      if (n % AT_ONCE == AT_ONCE - 1) {
        target.pause(PAUSE_MS);
      }
    }
    target.happened(part, number + " connections opened");
  }

  /** Writes more bytes to each connection that is still open. */
  void write(byte[] bytes) {
    channels.forEach(channel -> write(channel, bytes));
  }

  private static void write(SocketChannel channel, byte[] bytes) {
    try {
      channel.write(ByteBuffer.wrap(bytes));
    } catch (IOException e) {
      // the replica has closed it
    }
  }

  @Override
  public void close() throws IOException {
    for (SocketChannel channel : channels) {
      channel.close();
    }
  }
}
