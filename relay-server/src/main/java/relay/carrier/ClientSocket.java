package relay.carrier;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.xnio.XnioIoThread;
import org.xnio.XnioWorker;
import org.xnio.channels.StreamSinkChannel;
import org.xnio.channels.StreamSourceChannel;
import org.xnio.conduits.Conduits;
import org.xnio.conduits.ReadReadyHandler;
import org.xnio.conduits.StreamSinkConduit;
import org.xnio.conduits.StreamSourceConduit;
import org.xnio.conduits.WriteReadyHandler;

/**
 * Adapts a client's socket to XNIO's conduits. The carrier keeps watching OP_READ after reads are
 * suspended, until bytes arrive unwanted. Most clients send nothing while a request runs, and each
 * change of the interest ops is a system call.
 */
final class ClientSocket implements StreamSourceConduit, StreamSinkConduit, Carrier.Carried {
  private final Carrier carrier;
  private final SocketChannel channel;
  private final ClientConnection connection;
  private @Nullable SelectionKey key; // the carrier's

  private volatile @Nullable ReadReadyHandler onReadable;
  private volatile @Nullable WriteReadyHandler onWritable;
  private volatile boolean readsResumed;
  private volatile boolean writesResumed;
  private volatile boolean readinessNotConsumed; // input or the end arrived, and was not read since
  private volatile boolean muted;

  ClientSocket(Carrier carrier, SocketChannel channel, ClientConnection connection) {
    this.carrier = carrier;
    this.channel = channel;
    this.connection = connection;
  }

  SocketChannel channel() {
    return channel;
  }

  /** By the carrier. */
  void register() throws IOException {
    key = carrier.keep(channel, SelectionKey.OP_READ, this);
  }

  @Override
  public void ready(SelectionKey selected) {
    int ops = selected.readyOps();
    if ((ops & SelectionKey.OP_READ) != 0) {
      if (readsResumed) {
        readable();
      } else if (readinessNotConsumed) {
        mute(selected);
      } else {
        readinessNotConsumed = true; // a reader may take it without an event
      }
    }
    if ((ops & SelectionKey.OP_WRITE) != 0) {
      if (writesResumed) {
        writable();
      }
      if (!writesResumed && selected.isValid()) {
        selected.interestOpsAnd(~SelectionKey.OP_WRITE);
        if (writesResumed) {
          watchFor(SelectionKey.OP_WRITE);
        }
      }
    }
  }

  /** Stops watching OP_READ, or select() spins. */
  private void mute(SelectionKey selected) {
    selected.interestOpsAnd(~SelectionKey.OP_READ);
    muted = true;
    if (readsResumed) { // resumed meanwhile
      listen();
    }
  }

  private void readable() {
    ReadReadyHandler handler = onReadable;
    if (handler != null) {
      handler.readReady();
    }
  }

  private void writable() {
    WriteReadyHandler handler = onWritable;
    if (handler != null) {
      handler.writeReady();
    }
  }

  /** By the carrier. */
  private void listen() {
    muted = false;
    watchFor(SelectionKey.OP_READ);
  }

  /** By the carrier. */
  private void watchFor(int ops) {
    SelectionKey registered = key;
    if (registered != null && registered.isValid()) {
      registered.interestOpsOr(ops);
    }
  }

  private void onCarrier(Runnable task) {
    if (Thread.currentThread() == carrier) {
      task.run();
    } else {
      carrier.execute(task);
    }
  }

  // ---- reading

  @Override
  public int read(ByteBuffer target) throws IOException {
    if (isReadShutdown()) {
      return -1;
    }
    readinessNotConsumed = false;
    int n;
    try {
      n = channel.read(target);
    } catch (ClosedChannelException e) {
      return -1;
    }
    if (n < 0) {
      terminateReads();
    }
    return n;
  }

  @Override
  public long read(ByteBuffer[] targets, int offset, int length) throws IOException {
    if (isReadShutdown()) {
      return -1;
    }
    readinessNotConsumed = false;
    long n;
    try {
      n = channel.read(targets, offset, length);
    } catch (ClosedChannelException e) {
      return -1;
    }
    if (n < 0) {
      terminateReads();
    }
    return n;
  }

  @Override
  public long transferTo(long position, long count, FileChannel target) throws IOException {
    return target.transferFrom(channel, position, count);
  }

  @Override
  public long transferTo(long count, ByteBuffer through, StreamSinkChannel target)
      throws IOException {
    return Conduits.transfer(this, count, through, target);
  }

  @Override
  public void terminateReads() throws IOException {
    if (connection.endOfReads()) {
      readsResumed = false;
      if (channel.isOpen()) {
        shutDown(channel::shutdownInput);
      }
      readsEnded();
    }
  }

  private interface Shutdown {
    SocketChannel run() throws IOException;
  }

  private static void shutDown(Shutdown way) throws IOException {
    try {
      var _ = way.run();
    } catch (ClosedChannelException e) {
      // already shut
    }
  }

  /** Wakes up the reader: the input has ended. */
  void readsEnded() {
    ReadReadyHandler handler = onReadable;
    if (handler != null) {
      handler.terminated();
    }
  }

  @Override
  public boolean isReadShutdown() {
    return connection.isReadShutdown();
  }

  @Override
  public void resumeReads() {
    readsResumed = true;
    if (muted) { // mute() checks both flags in the other order
      onCarrier(this::listen);
    }
  }

  @Override
  public void suspendReads() {
    readsResumed = false;
  }

  @Override
  public void wakeupReads() {
    resumeReads();
    carrier.execute(this::readable);
  }

  @Override
  public boolean isReadResumed() {
    return readsResumed;
  }

  @Override
  public void awaitReadable() {
    throw noWaiting();
  }

  @Override
  public void awaitReadable(long time, TimeUnit unit) {
    throw noWaiting();
  }

  private static UnsupportedOperationException noWaiting() {
    return new UnsupportedOperationException("a carrier waits for nobody: set a listener");
  }

  @Override
  public XnioIoThread getReadThread() {
    return carrier;
  }

  @Override
  public void setReadReadyHandler(ReadReadyHandler handler) {
    onReadable = handler;
  }

  // ---- writing

  @Override
  public int write(ByteBuffer source) throws IOException {
    if (isWriteShutdown()) {
      throw new ClosedChannelException();
    }
    return channel.write(source);
  }

  @Override
  public long write(ByteBuffer[] sources, int offset, int length) throws IOException {
    if (length == 1) {
      return write(sources[offset]);
    }
    if (isWriteShutdown()) {
      throw new ClosedChannelException();
    }
    return channel.write(sources, offset, length);
  }

  @Override
  public int writeFinal(ByteBuffer source) throws IOException {
    return Conduits.writeFinalBasic(this, source);
  }

  @Override
  public long writeFinal(ByteBuffer[] sources, int offset, int length) throws IOException {
    return Conduits.writeFinalBasic(this, sources, offset, length);
  }

  @Override
  public long transferFrom(FileChannel source, long position, long count) throws IOException {
    return source.transferTo(position, count, channel);
  }

  @Override
  public long transferFrom(StreamSourceChannel source, long count, ByteBuffer through)
      throws IOException {
    return Conduits.transfer(source, count, through, this);
  }

  @Override
  public boolean flush() {
    return true; // no buffer here
  }

  @Override
  public void terminateWrites() throws IOException {
    if (connection.endOfWrites()) {
      writesResumed = false;
      if (channel.isOpen()) {
        shutDown(channel::shutdownOutput);
      }
      writesEnded();
    }
  }

  @Override
  public void truncateWrites() throws IOException {
    terminateWrites();
  }

  /** Wakes up the writer: output has ended. */
  void writesEnded() {
    WriteReadyHandler handler = onWritable;
    if (handler != null) {
      handler.terminated();
    }
  }

  @Override
  public boolean isWriteShutdown() {
    return connection.isWriteShutdown();
  }

  @Override
  public void resumeWrites() {
    writesResumed = true;
    onCarrier(() -> watchFor(SelectionKey.OP_WRITE));
  }

  @Override
  public void suspendWrites() {
    writesResumed = false;
  }

  @Override
  public void wakeupWrites() {
    resumeWrites();
    carrier.execute(this::writable);
  }

  @Override
  public boolean isWriteResumed() {
    return writesResumed;
  }

  @Override
  public void awaitWritable() {
    throw noWaiting();
  }

  @Override
  public void awaitWritable(long time, TimeUnit unit) {
    throw noWaiting();
  }

  @Override
  public XnioIoThread getWriteThread() {
    return carrier;
  }

  @Override
  public void setWriteReadyHandler(WriteReadyHandler handler) {
    onWritable = handler;
  }

  // ---- both

  @Override
  public @Nullable XnioWorker getWorker() {
    return carrier.getWorker();
  }

  /** Closes the connection, too. */
  @Override
  public void close() {
    connection.abandon();
  }

  /** Closes the socket only: the connection is closed already. */
  void end() {
    onCarrier(
        () -> {
          carrier.forget(this);
          try {
            channel.close();
          } catch (IOException e) {
            // closed either way
          }
        });
  }
}
