package relay.edge;

import io.undertow.connector.PooledByteBuffer;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.xnio.StreamConnection;

/** Counts what arrives on HTTP/2 connections before Undertow gets it. */
final class Http2Guard extends HeadGuard {
  private final Http2Port port;

  Http2Guard(Http2Port port, UnfinishedHeads heads) {
    super(port, heads);
    this.port = port;
  }

  @Override
  void open(
      StreamConnection connection, @Nullable PooledByteBuffer first, UnfinishedHeads.Head head) {
    if (!head.admitHttp2()) {
      if (first != null) {
        first.close();
      }
      return;
    }
    Http2Frames frames = new Http2Frames(Http2Frames.PREFACE_BYTES);
    if (first != null) {
      ByteBuffer bytes = first.getBuffer();
      var _ = frames.accept(bytes, bytes.position(), bytes.limit());
    }
    FrameAllowance allowance = new FrameAllowance(System.nanoTime());
    connection.getSourceChannel().setConduit(new Http2Source(connection, frames, allowance, head));
    port.open(connection, first, allowance, head);
    head.endWithConnection();
  }
}
