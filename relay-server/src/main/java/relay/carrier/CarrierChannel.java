package relay.carrier;

import java.io.IOException;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A connection whose reader and writer park until its carrier finds the socket ready. The carrier
 * watches for bytes to read all the time, so that a wait takes no call of the system but the
 * carrier's own. One thread may read and one may write at a time; any may close.
 */
final class CarrierChannel implements Carrier.Carried {
  private final Carrier carrier;
  private final Runnable beforeWaiting;
  private final SocketChannel channel;
  private @Nullable SelectionKey key; // the carrier's

  private volatile @Nullable Thread reader;
  private volatile @Nullable Thread writer;
  private volatile boolean readable;
  private volatile boolean writable; // or connected
  private volatile boolean muted;
  private volatile boolean closed;

  private boolean socketDrained = true; // the reader's: nothing was left when it last read

  // Of a reader that waits in awaitBytes: used by its carrier alone, which runs that reader, too
  private @Nullable Predicate<ByteBuffer> parkedConsumer;
  private boolean bytesReturned;

  CarrierChannel(Carrier carrier, Runnable beforeWaiting) throws IOException {
    this.carrier = carrier;
    this.beforeWaiting = beforeWaiting;
    channel = SocketChannel.open();
    try {
      channel.configureBlocking(false);
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  SocketChannel channel() {
    return channel;
  }

  @Override
  public void ready(SelectionKey selected) {
    int ops = selected.readyOps();
    if ((ops & (SelectionKey.OP_CONNECT | SelectionKey.OP_WRITE)) != 0) {
      selected.interestOpsAnd(SelectionKey.OP_READ);
      writable = true;
      LockSupport.unpark(writer);
    }
    if ((ops & SelectionKey.OP_READ) != 0) {
      if (readable) {
        mute(selected);
      } else if (parkedConsumer == null || !passOn(parkedConsumer)) {
        readable = true;
        LockSupport.unpark(reader);
      }
    }
  }

  /** By the carrier. False if the reader is to read. */
  private boolean passOn(Predicate<ByteBuffer> way) {
    try {
      ByteBuffer room = carrier.room();
      if (channel.read(room) < 0) {
        return false; // the next read finds the end as well
      }
      socketDrained = room.hasRemaining();
      if (room.position() > 0 && !way.test(room.flip())) {
        parkedConsumer = null;
        bytesReturned = true;
        LockSupport.unpark(reader);
      }
    } catch (IOException e) {
      close(); // a reset is told of only once
    } catch (RuntimeException | Error e) {
      close(); // bytes are lost
      throw e;
    }
    return true;
  }

  /** Nobody has taken what was told before: not once more, or the carrier would never rest. */
  private void mute(SelectionKey selected) {
    selected.interestOpsAnd(~SelectionKey.OP_READ);
    muted = true;
    if (!readable) { // it was taken just now, before this could be known
      listen();
    }
  }

  /** By the carrier. */
  private void listen() {
    muted = false;
    watchFor(SelectionKey.OP_READ);
  }

  /** By the carrier. */
  private void watchFor(int ops) {
    try {
      if (closed) {
        return;
      }
      if (key == null) {
        key = carrier.keep(channel, ops, this);
      } else {
        key.interestOpsOr(ops);
      }
    } catch (IOException e) {
      close();
    }
  }

  /**
   * Makes the connection.
   *
   * @param timeoutMs 0 for none but the system's
   */
  void connect(SocketAddress remote, int timeoutMs) throws IOException {
    if (!channel.connect(remote)) {
      awaitWritable(SelectionKey.OP_CONNECT, timeoutMs);
      channel.finishConnect();
    }
    carrier.execute(this::listen);
  }

  /**
   * Reads what has come; waits if nothing has.
   *
   * @param timeoutMs 0 for none
   * @return the number of bytes; -1 at the end
   */
  int read(byte[] bytes, int offset, int length, int timeoutMs) throws IOException {
    while (true) {
      if (socketDrained) {
        beforeWaiting.run();
        awaitReadable(timeoutMs);
      }
      takeNotice();
      int n = channel.read(ByteBuffer.wrap(bytes, offset, length));
      socketDrained = n >= 0 && n < length;
      if (n != 0) {
        return n;
      }
    }
  }

  /**
   * Waits until a {@link #read} need not, be it because it would fail: the reader needs no room for
   * what comes until it has come.
   *
   * @param offered is given what comes meanwhile, by the carrier, and so must not block; the reader
   *     waits on as long as it returns true. Not asked where the reader is not the carrier's alone
   * @return false if there is nothing to read: what came was given away
   */
  boolean awaitBytes(@Nullable Predicate<ByteBuffer> offered) {
    if (!socketDrained) {
      return true;
    }
    beforeWaiting.run();
    parkedConsumer = offered != null && carrier.runsThisThread() ? offered : null;
    try {
      awaitReadable(0);
      socketDrained &= bytesReturned;
      return !bytesReturned;
    } catch (IOException e) {
      return true; // the read will find the same
    } finally {
      parkedConsumer = null;
      bytesReturned = false;
    }
  }

  private void awaitReadable(int timeoutMs) throws IOException {
    reader = Thread.currentThread();
    try {
      long until = timeoutMs == 0 ? 0 : System.nanoTime() + 1_000_000L * timeoutMs;
      while (!readable && !bytesReturned) {
        park(timeoutMs, until, "read timed out");
      }
    } finally {
      reader = null;
    }
  }

  /** Before what was told of is read: what comes after that is told once more. */
  private void takeNotice() {
    if (readable) {
      readable = false;
      if (muted) { // in the other order the carrier looks at the same two
        carrier.execute(this::listen);
      }
    }
  }

  /** Writes all, waiting as often as it must. */
  void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      if (channel.write(bytes) == 0) {
        awaitWritable(SelectionKey.OP_WRITE, 0);
      }
    }
  }

  private void awaitWritable(int op, int timeoutMs) throws IOException {
    writable = false;
    writer = Thread.currentThread();
    try {
      long until = timeoutMs == 0 ? 0 : System.nanoTime() + 1_000_000L * timeoutMs;
      carrier.execute(() -> watchFor(op));
      while (!writable) {
        park(timeoutMs, until, "connect timed out");
      }
    } finally {
      writer = null;
    }
  }

  private void park(int timeoutMs, long until, String late) throws IOException {
    if (closed || carrier.isClosed()) {
      throw new SocketException("Socket closed");
    }
    if (timeoutMs == 0) {
      LockSupport.park(this);
    } else {
      long left = until - System.nanoTime();
      if (left <= 0) {
        throw new SocketTimeoutException(late);
      }
      LockSupport.parkNanos(this, left);
    }
    if (Thread.currentThread().isInterrupted()) { // else it would never park again, but spin
      throw new SocketException("interrupted");
    }
  }

  /**
   * Whether something came, or the end, that nobody waits for: on a connection without a request
   * that means that it is of no more use. Known to threads of its carrier only: any other may be
   * told of what it has read in the meantime.
   */
  boolean hasUnsolicitedInput() {
    return readable && reader == null && carrier.runsThisThread();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    LockSupport.unpark(reader);
    LockSupport.unpark(writer);
    carrier.execute(this::end);
  }

  /** By the carrier. */
  private void end() {
    carrier.forget(this);
    try {
      channel.close();
    } catch (IOException e) {
      // it is gone either way
    }
  }
}
