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
import org.xnio.channels.StreamSourceChannel;
import org.xnio.conduits.Conduits;
import org.xnio.conduits.StreamSinkConduit;
import org.xnio.conduits.WriteReadyHandler;

/** What a client gets, as XNIO writes it. */
final class ClientOutput implements StreamSinkConduit {
  private final ClientSocket socket;
  private final ClientConnection connection;
  private volatile @Nullable WriteReadyHandler handler;
  private volatile boolean resumed;

  ClientOutput(ClientSocket socket, ClientConnection connection) {
    this.socket = socket;
    this.connection = connection;
  }

  /** By the carrier. */
  void ready(SelectionKey selected) {
    if (resumed) {
      writable();
    }
    if (!resumed && selected.isValid()) {
      selected.interestOpsAnd(~SelectionKey.OP_WRITE);
      if (resumed) {
        socket.watchFor(SelectionKey.OP_WRITE);
      }
    }
  }

  private void writable() {
    WriteReadyHandler writer = handler;
    if (writer != null) {
      writer.writeReady();
    }
  }

  @Override
  public int write(ByteBuffer source) throws IOException {
    if (isWriteShutdown()) {
      throw new ClosedChannelException();
    }
    return socket.channel().write(source);
  }

  @Override
  public long write(ByteBuffer[] sources, int offset, int length) throws IOException {
    if (length == 1) {
      return write(sources[offset]);
    }
    if (isWriteShutdown()) {
      throw new ClosedChannelException();
    }
    return socket.channel().write(sources, offset, length);
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
    return source.transferTo(position, count, socket.channel());
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
      resumed = false;
      socket.shutDown(socket.channel()::shutdownOutput);
      ended();
    }
  }

  @Override
  public void truncateWrites() throws IOException {
    terminateWrites();
  }

  /** Wakes up the writer: output has ended. */
  void ended() {
    WriteReadyHandler writer = handler;
    if (writer != null) {
      writer.terminated();
    }
  }

  @Override
  public boolean isWriteShutdown() {
    return connection.isWriteShutdown();
  }

  @Override
  public void resumeWrites() {
    resumed = true;
    socket.onCarrier(() -> socket.watchFor(SelectionKey.OP_WRITE));
  }

  @Override
  public void suspendWrites() {
    resumed = false;
  }

  @Override
  public void wakeupWrites() {
    resumeWrites();
    socket.carrier().execute(this::writable);
  }

  @Override
  public boolean isWriteResumed() {
    return resumed;
  }

  @Override
  public void awaitWritable() {
    throw ClientSocket.noWaiting();
  }

  @Override
  public void awaitWritable(long time, TimeUnit unit) {
    throw ClientSocket.noWaiting();
  }

  @Override
  public XnioIoThread getWriteThread() {
    return socket.carrier();
  }

  @Override
  public @Nullable XnioWorker getWorker() {
    return socket.carrier().getWorker();
  }

  @Override
  public void setWriteReadyHandler(WriteReadyHandler writer) {
    handler = writer;
  }
}
