package relay.standin;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;

/** Writes to a socket without blocking. Callable from any thread, one answer at a time. */
final class Outlet {
  private static final int MOST_WAITING_BYTES = 4 << 20;
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final SocketChannel channel;
  private final SelectionKey key;
  private ByteBuffer waiting = NOTHING;

  Outlet(SocketChannel channel, SelectionKey key) {
    this.channel = channel;
    this.key = key;
  }

  /** Writes bytes in one call; buffers the bytes that the socket does not accept yet. */
  synchronized void write(ByteBuffer bytes) throws IOException {
    if (!waiting.hasRemaining()) {
      channel.write(bytes);
      if (!bytes.hasRemaining()) {
        return;
      }
    }
    int length = waiting.remaining() + bytes.remaining();
    if (length > MOST_WAITING_BYTES) {
      throw new IOException("the other side does not read");
    }
    waiting = ByteBuffer.allocate(length).put(waiting).put(bytes).flip();
    key.interestOpsOr(SelectionKey.OP_WRITE);
    key.selector().wakeup();
  }

  synchronized void writable() throws IOException {
    channel.write(waiting);
    if (!waiting.hasRemaining()) {
      waiting = NOTHING;
      key.interestOpsAnd(~SelectionKey.OP_WRITE);
    }
  }
}
