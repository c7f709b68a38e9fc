package relay.carrier;

import java.io.IOException;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * A connection whose reader and writer park until its carrier finds the socket ready. OP_READ stays
 * registered, so a wait costs no system call besides the carrier's select(). One thread may read
 * and one may write at a time. Any thread may close.
 */
final class CarrierChannel implements Carrier.Carried {
  private final Carrier carrier;
  private final Runnable beforeWaiting;
  private final SocketChannel channel;
  private final ChannelWriter writer;
  private @Nullable SelectionKey key; // the carrier's

  private volatile @Nullable Thread reader;
  private volatile boolean readable;
  private volatile boolean muted;
  private volatile boolean closed;

  private volatile @Nullable TlsLayer tls;

  private boolean socketDrained = true; // reader only: its last read left nothing to read

  // For a reader in awaitBytes. Only its carrier, which also runs that reader, uses these two
  private @Nullable Predicate<ByteBuffer> parkedConsumer;
  private boolean bytesReturned;

  CarrierChannel(Carrier carrier, Runnable beforeWaiting) throws IOException {
    this.carrier = carrier;
    this.beforeWaiting = beforeWaiting;
    try {
      channel = SocketChannel.open();
    } catch (IOException e) {
      throw new NoSocketException(e);
    }
    try {
      channel.configureBlocking(false);
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    writer = new ChannelWriter(this, carrier, channel);
  }

  SocketChannel channel() {
    return channel;
  }

  @Override
  public void ready(SelectionKey selected) {
    int ops = selected.readyOps();
    if ((ops & (SelectionKey.OP_CONNECT | SelectionKey.OP_WRITE)) != 0) {
      writer.ready(selected);
    }
    if ((ops & SelectionKey.OP_READ) != 0) {
      if (readable) {
        mute(selected);
      } else if (parkedConsumer == null || !passOn(parkedConsumer)) {
        readable = true;
        LockSupport.unpark(reader);
        writer.wake(); // the peer may have answered early
      }
    }
  }

  /** Runs on the carrier. False if the reader must read. */
  private boolean passOn(Predicate<ByteBuffer> way) {
    try {
      do {
        ByteBuffer room = carrier.room();
        if (receive(room) < 0) {
          return false; // the next read finds the end, too
        }
        if (room.position() > 0 && !way.test(room.flip())) {
          parkedConsumer = null;
          bytesReturned = true;
          LockSupport.unpark(reader);
          return true;
        }
      } while (holdsInput()); // select() does not see it
    } catch (IOException e) {
      close(); // the kernel reports a reset once only
    } catch (RuntimeException | Error e) {
      close(); // bytes are lost
      throw e;
    }
    return true;
  }

  /** The reader has not consumed the last readiness event: watch no more, or select() spins. */
  private void mute(SelectionKey selected) {
    selected.interestOpsAnd(~SelectionKey.OP_READ);
    muted = true;
    if (!readable) { // the reader consumed it meanwhile and did not see muted
      listen();
    }
  }

  /** Runs on the carrier. */
  private void listen() {
    muted = false;
    watchFor(SelectionKey.OP_READ);
  }

  /** Runs on the carrier. */
  void watchFor(int ops) {
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
   * Connects.
   *
   * @param timeoutMs 0 for the system's own timeout
   */
  void connect(SocketAddress remote, int timeoutMs) throws IOException {
    writer.connect(remote, timeoutMs);
    carrier.execute(this::listen);
  }

  /**
   * Begins TLS as the client: from now on the connection reads and writes content.
   *
   * @param timeoutMs for the whole handshake; 0 for none
   */
  void secure(TlsEngines engines, SSLEngine engine, TlsBuffers buffers, int timeoutMs)
      throws IOException {
    TlsLayer layer = new TlsLayer(engines, engine, channel, writer::send, buffers);
    tls = layer;
    if (closed) {
      layer.end(); // end() may have missed it
      throw closed();
    }
    engine.beginHandshake();
    ParkLimit limit = ParkLimit.of(timeoutMs, "the TLS handshake timed out");
    takeNotice();
    while (!layer.shakeHands()) {
      limit.check();
      awaitReadable(limit);
      takeNotice();
    }
    socketDrained = layer.isDrained();
  }

  /** Reads without blocking, as a socket does. */
  private int receive(ByteBuffer to) throws IOException {
    TlsLayer layer = tls;
    int n = layer == null ? channel.read(to) : layer.read(to);
    socketDrained = layer == null ? n >= 0 && to.hasRemaining() : layer.isDrained();
    return n;
  }

  private boolean holdsInput() {
    TlsLayer layer = tls;
    return layer != null && layer.holdsInput();
  }

  /**
   * Reads available bytes; waits if there are none.
   *
   * @param timeoutMs 0 for none
   * @return the number of bytes; -1 at the end
   */
  int read(byte[] bytes, int offset, int length, int timeoutMs) throws IOException {
    while (true) {
      if (socketDrained) {
        beforeWaiting.run();
        awaitReadable(ParkLimit.of(timeoutMs, "read timed out"));
      }
      takeNotice();
      int n = receive(ByteBuffer.wrap(bytes, offset, length));
      if (n != 0) {
        return n;
      }
    }
  }

  /**
   * Waits until a {@link #read} would return or fail at once. The reader needs no buffer while it
   * waits.
   *
   * @param offered gets the bytes that arrive meanwhile, on the carrier: it must not block. While
   *     it returns true, the reader sleeps on. Unused if the carrier does not run the reader
   * @return false if there is nothing to read, because {@code offered} took the bytes
   */
  boolean awaitBytes(@Nullable Predicate<ByteBuffer> offered) {
    if (!socketDrained) {
      return true;
    }
    beforeWaiting.run();
    parkedConsumer = offered != null && carrier.runsThisThread() ? offered : null;
    try {
      awaitReadable(ParkLimit.NONE);
      socketDrained &= bytesReturned;
      return !bytesReturned;
    } catch (IOException e) {
      return true; // the read will fail, too
    } finally {
      parkedConsumer = null;
      bytesReturned = false;
    }
  }

  private void awaitReadable(ParkLimit limit) throws IOException {
    reader = Thread.currentThread();
    try {
      while (!readable && !bytesReturned) {
        park(limit);
      }
    } finally {
      reader = null;
    }
  }

  /** Consumes the readiness event before the read: later bytes cause a new event. */
  private void takeNotice() {
    if (readable) {
      readable = false;
      if (muted) { // mute() checks both flags in the other order
        carrier.execute(this::listen);
      }
    }
  }

  /** Writes all bytes. Blocks. */
  void write(ByteBuffer bytes) throws IOException {
    TlsLayer layer = tls;
    if (layer == null) {
      writer.send(bytes);
    } else {
      layer.write(bytes);
    }
  }

  /** Whether the peer has sent something that no thread waits for. */
  boolean isAnswered() {
    return readable && reader == null;
  }

  boolean isSecure() {
    return tls != null;
  }

  void park(ParkLimit limit) throws IOException {
    if (isClosed()) {
      throw closed();
    }
    limit.park(this);
  }

  boolean isClosed() {
    return closed || carrier.isClosed();
  }

  /**
   * Whether input or the end of the stream arrived while no thread reads. An idle connection with
   * such input must not be used again. To be called by the thread that would use it.
   */
  boolean hasUnsolicitedInput() {
    if (reader != null) {
      return false;
    }
    // The carrier's threads run after its last look at the sockets. Others do not know of it.
    boolean isRecorded = socketDrained && carrier.runsThisThread();
    return isRecorded ? (readable || holdsInput()) : finds();
  }

  /** Reads, if there is anything, which is lost then. */
  private boolean finds() {
    if (closed || !channel.isConnected()) {
      return false;
    }
    takeNotice();
    try {
      return receive(ByteBuffer.allocate(1)) != 0;
    } catch (IOException e) {
      return true;
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    LockSupport.unpark(reader);
    writer.wake();
    carrier.execute(this::end);
  }

  /** Runs on the carrier. */
  private void end() {
    carrier.forget(this);
    TlsLayer layer = tls;
    if (layer == null) {
      closeSocket();
    } else {
      // An engine has a lock, for which virtual threads may wait.
      carrier.begin(
          () -> {
            try {
              layer.end();
            } finally {
              closeSocket();
            }
          });
    }
  }

  private void closeSocket() {
    try {
      channel.close();
    } catch (IOException e) {
      // closed either way
    }
  }

  static SocketException closed() {
    return new SocketException("Socket closed");
  }
}
