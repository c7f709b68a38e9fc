package relay.edge;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.undertow.connector.ByteBufferPool;
import io.undertow.connector.PooledByteBuffer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.xnio.ChannelListener;
import org.xnio.IoUtils;
import org.xnio.StreamConnection;
import org.xnio.XnioExecutor;
import org.xnio.channels.StreamSourceChannel;
import org.xnio.conduits.ConduitStreamSourceChannel;

/**
 * Tells HTTP/2 by prior knowledge from HTTP/1.1 by the first bytes of a plain connection. Undertow
 * does that in its HTTP/1.1 parser, which then shares a buffer with the HTTP/2 connection and
 * returns it twice.
 */
final class PrefaceDetection implements ChannelListener<StreamConnection> {
  private static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(US_ASCII);

  private final ByteBufferPool buffers;
  private final UnfinishedHeads heads;
  private final FramingGuard http1;
  private final Http2Guard http2;
  private final Duration idle;
  private final Duration patience;

  /**
   * @param idle how long a connection may send nothing
   * @param patience how long it may take for the preface, once begun
   */
  PrefaceDetection(
      ByteBufferPool buffers,
      UnfinishedHeads heads,
      FramingGuard http1,
      Http2Guard http2,
      Duration idle,
      Duration patience) {
    this.buffers = buffers;
    this.heads = heads;
    this.http1 = http1;
    this.http2 = http2;
    this.idle = idle;
    this.patience = patience;
  }

  @Override
  public void handleEvent(StreamConnection connection) {
    UnfinishedHeads.Head head = heads.of(connection);
    if (head.admit()) {
      head.endWithConnection();
      new Undetected(connection, head).begin();
    }
  }

  private final class Undetected implements ChannelListener<StreamSourceChannel> {
    private final StreamConnection connection;
    private final UnfinishedHeads.Head head;
    private XnioExecutor.Key bound;
    private int matched; // bytes of the preface that have arrived

    Undetected(StreamConnection connection, UnfinishedHeads.Head head) {
      this.connection = connection;
      this.head = head;
      bound = closeAfter(idle);
    }

    private XnioExecutor.Key closeAfter(Duration time) {
      return connection
          .getIoThread()
          .executeAfter(
              () -> IoUtils.safeClose(connection), time.toMillis(), TimeUnit.MILLISECONDS);
    }

    void begin() {
      ConduitStreamSourceChannel source = connection.getSourceChannel();
      source.setReadListener(this);
      handleEvent(source);
    }

    @Override
    public void handleEvent(StreamSourceChannel source) {
      PooledByteBuffer pooled = buffers.allocate();
      boolean keep = false;
      try {
        keep = read(source, pooled);
      } catch (IOException e) {
        close();
      } finally {
        if (!keep) {
          pooled.close();
        }
      }
    }

    /** Whether the buffer has a new owner. No buffer waits for the rest of a preface. */
    private boolean read(StreamSourceChannel source, PooledByteBuffer pooled) throws IOException {
      ByteBuffer bytes = pooled.getBuffer();
      bytes.put(PREFACE, 0, matched);
      int n = source.read(bytes);
      bytes.flip();
      if (n < 0) {
        close();
        return false;
      }
      int same = bytes.mismatch(ByteBuffer.wrap(PREFACE));
      boolean begun = n == 0 || same == bytes.limit();
      if (begun && bytes.limit() < PREFACE.length) {
        awaitMore(source, bytes.limit());
        return false;
      }
      bound.remove();
      source.suspendReads();
      connection.getSourceChannel().setReadListener(null);
      if (same == PREFACE.length || same < 0) {
        http2.open(connection, pooled, head);
      } else {
        http1.open(connection, pooled, head);
      }
      return true;
    }

    private void awaitMore(StreamSourceChannel source, int arrived) {
      if (matched == 0 && arrived > 0) {
        bound.remove();
        bound = closeAfter(patience);
      }
      matched = arrived;
      source.resumeReads();
    }

    private void close() {
      bound.remove();
      IoUtils.safeClose(connection);
    }
  }
}
