package relay.edge;

import io.undertow.connector.ByteBufferPool;
import io.undertow.connector.PooledByteBuffer;
import io.undertow.protocols.http2.Http2Channel;
import io.undertow.server.ConnectorStatistics;
import io.undertow.server.DelegateOpenListener;
import io.undertow.server.HttpHandler;
import io.undertow.server.protocol.http2.Http2OpenListener;
import io.undertow.server.protocol.http2.Http2ReceiveListener;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.xnio.IoUtils;
import org.xnio.OptionMap;
import org.xnio.StreamConnection;

/** Opens HTTP/2 connections with a {@link SharedChannel}. Undertow's own listener cannot. */
final class Http2Port implements DelegateOpenListener {
  private final ByteBufferPool buffers;
  private final OptionMap options;
  private final Set<Http2Channel> open = ConcurrentHashMap.newKeySet();
  private volatile @Nullable HttpHandler handler;

  Http2Port(ByteBufferPool buffers, OptionMap options) {
    this.buffers = buffers;
    this.options = options;
  }

  @Override
  public void handleEvent(StreamConnection connection) {
    handleEvent(connection, null);
  }

  /**
   * @param first bytes that were read already, from the preface on
   */
  @Override
  public void handleEvent(StreamConnection connection, @Nullable PooledByteBuffer first) {
    open(connection, first, new FrameAllowance(System.nanoTime()), StreamAccount.NONE);
  }

  /**
   * @param allowance bounds the client's frames; each frame of an answer raises it, and each frame
   *     of a stream that has ended lowers it
   * @param account pays for the memory of the connection's streams
   */
  void open(
      StreamConnection connection,
      @Nullable PooledByteBuffer first,
      FrameAllowance allowance,
      StreamAccount account) {
    SharedChannel channel =
        new SharedChannel(
            connection, Http2OpenListener.HTTP2, buffers, first, options, allowance, account);
    open.add(channel);
    channel.addCloseTask(open::remove);
    channel
        .getReceiveSetter()
        .set(new Http2ReceiveListener(handler, options, buffers.getBufferSize(), null));
    channel.resumeReceives();
  }

  /** Closes all, each on its I/O thread: Undertow cannot do it elsewhere. */
  @Override
  public void closeConnections() {
    for (Http2Channel channel : open) {
      try {
        channel.getIoThread().execute(() -> IoUtils.safeClose(channel));
      } catch (RejectedExecutionException e) {
        // the thread has ended, and the connection with it
      }
    }
  }

  @Override
  public @Nullable HttpHandler getRootHandler() {
    return handler;
  }

  @Override
  public void setRootHandler(HttpHandler next) {
    handler = next;
  }

  @Override
  public OptionMap getUndertowOptions() {
    return options;
  }

  @Override
  public void setUndertowOptions(OptionMap next) {
    throw new UnsupportedOperationException("the options are fixed");
  }

  @Override
  public ByteBufferPool getBufferPool() {
    return buffers;
  }

  @Override
  public @Nullable ConnectorStatistics getConnectorStatistics() {
    return null;
  }
}
