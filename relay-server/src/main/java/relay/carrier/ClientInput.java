package relay.carrier;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.SelectionKey;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.xnio.XnioIoThread;
import org.xnio.XnioWorker;
import org.xnio.channels.StreamSinkChannel;
import org.xnio.conduits.Conduits;
import org.xnio.conduits.ReadReadyHandler;
import org.xnio.conduits.StreamSourceConduit;

/**
 * What a client sends, as XNIO reads it. The carrier keeps watching OP_READ after reads are
 * suspended, until bytes arrive unwanted. Most clients send nothing while a request runs, and each
 * change of the interest ops is a system call.
 */
final class ClientInput implements StreamSourceConduit {
  private final ClientSocket socket;
  private final ClientConnection connection;
  private volatile @Nullable ReadReadyHandler handler;
  private volatile boolean resumed;
  private volatile boolean readinessNotConsumed; // input or the end arrived, and was not read since
  private volatile boolean muted;

  ClientInput(ClientSocket socket, ClientConnection connection) {
    this.socket = socket;
    this.connection = connection;
  }

  /** By the carrier. */
  void ready(SelectionKey selected) {
    if (resumed) {
      readable();
    } else if (readinessNotConsumed) {
      mute(selected);
    } else {
      readinessNotConsumed = true; // a reader may take it without an event
    }
  }

  /** Stops watching OP_READ, or select() spins. */
  private void mute(SelectionKey selected) {
    selected.interestOpsAnd(~SelectionKey.OP_READ);
    muted = true;
    if (resumed) { // resumed meanwhile
      listen();
    }
  }

  private void readable() {
    ReadReadyHandler reader = handler;
    if (reader != null) {
      reader.readReady();
    }
  }

  /** By the carrier. */
  private void listen() {
    muted = false;
    socket.watchFor(SelectionKey.OP_READ);
  }

  private interface Reading {
    long read() throws IOException;
  }

  private long read(Reading reading) throws IOException {
    if (isReadShutdown()) {
      return -1;
    }
    readinessNotConsumed = false;
    long n;
    try {
      n = reading.read();
    } catch (ClosedChannelException e) {
      return -1;
    }
    if (n < 0) {
      terminateReads();
    }
    return n;
  }

  @Override
  public int read(ByteBuffer target) throws IOException {
    return (int) read(() -> socket.channel().read(target));
  }

  @Override
  public long read(ByteBuffer[] targets, int offset, int length) throws IOException {
    return read(() -> socket.channel().read(targets, offset, length));
  }

  @Override
  public long transferTo(long position, long count, FileChannel target) throws IOException {
    return target.transferFrom(socket.channel(), position, count);
  }

  @Override
  public long transferTo(long count, ByteBuffer through, StreamSinkChannel target)
      throws IOException {
    return Conduits.transfer(this, count, through, target);
  }

  @Override
  public void terminateReads() throws IOException {
    if (connection.endOfReads()) {
      resumed = false;
      socket.shutDown(socket.channel()::shutdownInput);
      ended();
    }
  }

  /** Wakes up the reader: the input has ended. */
  void ended() {
    ReadReadyHandler reader = handler;
    if (reader != null) {
      reader.terminated();
    }
  }

  @Override
  public boolean isReadShutdown() {
    return connection.isReadShutdown();
  }

  @Override
  public void resumeReads() {
    resumed = true;
    if (muted) { // mute() checks both flags in the other order
      socket.onCarrier(this::listen);
    }
  }

  @Override
  public void suspendReads() {
    resumed = false;
  }

  @Override
  public void wakeupReads() {
    resumeReads();
    socket.carrier().execute(this::readable);
  }

  @Override
  public boolean isReadResumed() {
    return resumed;
  }

  @Override
  public void awaitReadable() {
    throw ClientSocket.noWaiting();
  }

  @Override
  public void awaitReadable(long time, TimeUnit unit) {
    throw ClientSocket.noWaiting();
  }

  @Override
  public XnioIoThread getReadThread() {
    return socket.carrier();
  }

  @Override
  public @Nullable XnioWorker getWorker() {
    return socket.carrier().getWorker();
  }

  @Override
  public void setReadReadyHandler(ReadReadyHandler reader) {
    handler = reader;
  }
}
