package relay.carrier;

import java.io.IOException;
import java.net.SocketAddress;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Connects a {@link CarrierChannel} and writes to its socket. The thread that does so parks until
 * the carrier finds the socket connected, or with room. It gives up a peer that has answered
 * already and reads no more.
 */
final class ChannelWriter {
  /** How long a peer that has sent something may read nothing. */
  private static final long EARLY_ANSWER_NANOS = 2_000_000_000;

  /** With TLS the unread bytes are most often session tickets. */
  private static final long EARLY_TLS_ANSWER_NANOS = 30_000_000_000L;

  private final CarrierChannel owner;
  private final Carrier carrier;
  private final SocketChannel channel;

  private volatile @Nullable Thread parked;
  private volatile boolean writable; // or connected

  ChannelWriter(CarrierChannel owner, Carrier carrier, SocketChannel channel) {
    this.owner = owner;
    this.carrier = carrier;
    this.channel = channel;
  }

  /** The socket is connected, or has room. By the carrier. */
  void ready(SelectionKey selected) {
    selected.interestOpsAnd(SelectionKey.OP_READ);
    writable = true;
    wake();
  }

  /** Lets the thread look again: the peer has sent something, or the connection is closed. */
  void wake() {
    LockSupport.unpark(parked);
  }

  /**
   * Connects the socket.
   *
   * @param timeoutMs 0 for the system's own timeout
   */
  void connect(SocketAddress remote, int timeoutMs) throws IOException {
    if (!channel.connect(remote)) {
      await(SelectionKey.OP_CONNECT, ParkLimit.of(timeoutMs, "connect timed out"));
      channel.finishConnect();
    }
  }

  /** Writes all bytes to the socket, as they are. Blocks. */
  void send(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      if (channel.write(bytes) == 0) {
        await(SelectionKey.OP_WRITE, ParkLimit.NONE);
      }
    }
  }

  private void await(int op, ParkLimit limit) throws IOException {
    writable = false;
    parked = Thread.currentThread();
    try {
      carrier.execute(() -> owner.watchFor(op));
      while (!writable) {
        if (op == SelectionKey.OP_WRITE && owner.isAnswered()) {
          giveUpUnless(
              System.nanoTime() + (owner.isSecure() ? EARLY_TLS_ANSWER_NANOS : EARLY_ANSWER_NANOS));
        } else {
          owner.park(limit);
        }
      }
    } finally {
      parked = null;
    }
  }

  /**
   * The peer has answered: it may read no more. An interim response, or a session ticket of TLS,
   * also arrives unread, so give it time.
   */
  private void giveUpUnless(long until) throws IOException {
    while (!writable && owner.isAnswered()) {
      if (owner.isClosed() || Thread.currentThread().isInterrupted()) {
        throw CarrierChannel.closed();
      }
      long left = until - System.nanoTime();
      if (left <= 0) {
        throw new SocketException("the peer has answered, and reads no more");
      }
      LockSupport.parkNanos(owner, left);
    }
  }
}
