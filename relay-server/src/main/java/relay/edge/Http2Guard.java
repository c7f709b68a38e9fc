package relay.edge;

import io.undertow.connector.PooledByteBuffer;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.xnio.StreamConnection;
import org.xnio.conduits.AbstractStreamSourceConduit;
import org.xnio.conduits.StreamSourceConduit;

/** Counts the unfinished heads of HTTP/2 connections before Undertow gets their bytes. */
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
    StreamSourceConduit source = connection.getSourceChannel().getConduit();
    connection.getSourceChannel().setConduit(new Counted(source, frames, head));
    port.open(connection, first, head::trust);
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
}
