package relay.edge;

import io.undertow.connector.ByteBufferPool;
import io.undertow.connector.PooledByteBuffer;
import io.undertow.server.ConnectorStatistics;
import io.undertow.server.DelegateOpenListener;
import io.undertow.server.HttpHandler;
import io.undertow.server.OpenListener;
import org.jspecify.annotations.Nullable;
import org.xnio.OptionMap;
import org.xnio.StreamConnection;

/** Stands before a protocol's listener of Undertow, and admits connections by their heads. */
abstract class HeadGuard implements DelegateOpenListener {
  private final OpenListener listener;
  private final UnfinishedHeads heads;

  /**
   * @param listener serves the admitted connections
   * @param heads counts the bytes of unfinished heads
   */
  HeadGuard(OpenListener listener, UnfinishedHeads heads) {
    this.listener = listener;
    this.heads = heads;
  }

  /** Serves an admitted connection whose first bytes may have been read. Takes the buffer over. */
  abstract void open(
      StreamConnection connection, @Nullable PooledByteBuffer first, UnfinishedHeads.Head head);

  @Override
  public final void handleEvent(StreamConnection connection) {
    handleEvent(connection, null);
  }

  /**
   * @param first bytes that were read to detect the protocol
   */
  @Override
  public final void handleEvent(StreamConnection connection, @Nullable PooledByteBuffer first) {
    UnfinishedHeads.Head head = heads.of(connection);
    if (head.admit()) {
      open(connection, first, head);
    } else if (first != null) {
      first.close();
    }
  }

  @Override
  public final @Nullable HttpHandler getRootHandler() {
    return listener.getRootHandler();
  }

  @Override
  public final void setRootHandler(HttpHandler handler) {
    listener.setRootHandler(handler);
  }

  @Override
  public final OptionMap getUndertowOptions() {
    return listener.getUndertowOptions();
  }

  @Override
  public final void setUndertowOptions(OptionMap options) {
    listener.setUndertowOptions(options);
  }

  @Override
  public final ByteBufferPool getBufferPool() {
    return listener.getBufferPool();
  }

  @Override
  public final @Nullable ConnectorStatistics getConnectorStatistics() {
    return listener.getConnectorStatistics();
  }

  @Override
  public final void closeConnections() {
    listener.closeConnections();
  }
}
