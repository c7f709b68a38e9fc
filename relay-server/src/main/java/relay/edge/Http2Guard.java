package relay.edge;

import io.undertow.connector.ByteBufferPool;
import io.undertow.connector.PooledByteBuffer;
import io.undertow.server.ConnectorStatistics;
import io.undertow.server.DelegateOpenListener;
import io.undertow.server.HttpHandler;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.xnio.OptionMap;
import org.xnio.StreamConnection;
import org.xnio.conduits.AbstractStreamSourceConduit;
import org.xnio.conduits.StreamSourceConduit;

/** Counts the unfinished heads of HTTP/2 connections before Undertow gets their bytes. */
final class Http2Guard implements DelegateOpenListener {
  private final Http2Port port;
  private final UnfinishedHeads heads;

  Http2Guard(Http2Port port, UnfinishedHeads heads) {
    this.port = port;
    this.heads = heads;
  }

  @Override
  public void handleEvent(StreamConnection connection) {
    handleEvent(connection, null);
  }

  /**
   * @param first bytes that were read to detect the protocol
   */
  @Override
  public void handleEvent(StreamConnection connection, @Nullable PooledByteBuffer first) {
    UnfinishedHeads.Head head = heads.of(connection);
    if (head.admit()) {
      open(connection, first, head);
    } else if (first != null) {
      first.close();
    }
  }

  /** Serves an admitted connection. Takes the buffer over. */
  void open(
      StreamConnection connection, @Nullable PooledByteBuffer first, UnfinishedHeads.Head head) {
    Http2Frames frames = new Http2Frames(Http2Frames.PREFACE_BYTES);
    if (first != null) {
      ByteBuffer bytes = first.getBuffer();
      var _ = frames.accept(bytes, bytes.position(), bytes.limit());
    }
    StreamSourceConduit source = connection.getSourceChannel().getConduit();
    connection.getSourceChannel().setConduit(new Counted(source, frames, head));
    port.handleEvent(connection, first);
    head.endWithConnection();
  }

  private static final class Counted extends AbstractStreamSourceConduit<StreamSourceConduit> {
    private final Http2Frames frames;
    private final UnfinishedHeads.Head head;

    Counted(StreamSourceConduit next, Http2Frames frames, UnfinishedHeads.Head head) {
      super(next);
      this.frames = frames;
      this.head = head;
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
      int from = target.position();
      int n = next.read(target);
      if (n > 0) {
        head.holds(frames.accept(target, from, from + n));
      }
      return n;
    }

    @Override
    public long read(ByteBuffer[] targets, int offset, int length) throws IOException {
      for (int n = offset; n < offset + length; n++) {
        if (targets[n].hasRemaining()) {
          return read(targets[n]);
        }
      }
      return 0;
    }
  }

  @Override
  public @Nullable HttpHandler getRootHandler() {
    return port.getRootHandler();
  }

  @Override
  public void setRootHandler(HttpHandler handler) {
    port.setRootHandler(handler);
  }

  @Override
  public OptionMap getUndertowOptions() {
    return port.getUndertowOptions();
  }

  @Override
  public void setUndertowOptions(OptionMap options) {
    port.setUndertowOptions(options);
  }

  @Override
  public ByteBufferPool getBufferPool() {
    return port.getBufferPool();
  }

  @Override
  public @Nullable ConnectorStatistics getConnectorStatistics() {
    return port.getConnectorStatistics();
  }

  @Override
  public void closeConnections() {
    port.closeConnections();
  }
}
