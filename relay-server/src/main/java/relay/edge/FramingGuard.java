package relay.edge;

import io.undertow.connector.PooledByteBuffer;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.protocol.http.HttpOpenListener;
import io.undertow.server.protocol.http.HttpServerConnection;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.xnio.IoUtils;
import org.xnio.StreamConnection;
import org.xnio.channels.StreamSinkChannel;
import org.xnio.conduits.AbstractStreamSourceConduit;
import org.xnio.conduits.ConduitReadableByteChannel;
import org.xnio.conduits.StreamSourceConduit;

/**
 * Checks every byte of HTTP/1.1 clients with {@link RequestFraming} before Undertow gets it. A
 * fault in a head becomes one that Undertow answers with 400. At a fault in a body the bytes stop,
 * and {@link #foundBroken} reports it, so that the client gets an answer. Undertow would close the
 * connection without one.
 */
final class FramingGuard extends HeadGuard {
  private static final long ASKED_WITHIN_MS = 1_000;
  private static final byte[] NOTHING = {};

  private final HttpOpenListener undertow;
  private final Set<StreamConnection> broken = ConcurrentHashMap.newKeySet();

  /**
   * @param heads counts the bytes of unfinished heads
   */
  FramingGuard(HttpOpenListener undertow, UnfinishedHeads heads) {
    super(undertow, heads);
    this.undertow = undertow;
  }

  /**
   * Whether the framing of the current body is wrong. To be called after a read without bytes. True
   * once; nothing can be read afterwards.
   */
  boolean foundBroken(HttpServerExchange exchange) {
    return exchange.getConnection() instanceof HttpServerConnection http
        && broken.remove(http.getChannel());
  }

  /** The account of the exchange's connection; null over HTTP/2. */
  static UnfinishedHeads.@Nullable Head account(HttpServerExchange exchange) {
    return exchange.getConnection() instanceof HttpServerConnection http
            && http.getOriginalSourceConduit() instanceof Guarded guarded
        ? guarded.head
        : null;
  }

  /** As {@link RequestFraming#queryStart}. To be called once for each exchange, in order. */
  static @Nullable String queryStart(HttpServerExchange exchange) {
    return exchange.getConnection() instanceof HttpServerConnection http
            && http.getOriginalSourceConduit() instanceof Guarded guarded
        ? guarded.framing.queryStart()
        : null;
  }

  @Override
  void open(
      StreamConnection connection, @Nullable PooledByteBuffer first, UnfinishedHeads.Head head) {
    StreamSourceConduit source = connection.getSourceChannel().getConduit();
    connection.getSourceChannel().setConduit(new Guarded(source, connection, head, first));
    undertow.handleEvent(connection, null);
    head.endWithConnection();
  }

  /** Undertow answers a NUL in a head with 400 and closes. */
  private static void spoil(ByteBuffer bytes, int at, RequestFraming framing) {
    if (at < bytes.limit()) {
      bytes.put(at, (byte) 0);
      framing.letAllPass();
    }
  }

  private final class Guarded extends AbstractStreamSourceConduit<StreamSourceConduit> {
    private final StreamConnection connection;
    private final RequestFraming framing = new RequestFraming();
    private final UnfinishedHeads.Head head;
    private @Nullable PooledByteBuffer first; // bytes before those of the socket
    private byte[] held = NOTHING;
    private boolean stopped;

    Guarded(
        StreamSourceConduit next,
        StreamConnection connection,
        UnfinishedHeads.Head head,
        @Nullable PooledByteBuffer first) {
      super(next);
      this.connection = connection;
      this.head = head;
      this.first = first;
    }

    private int fill(ByteBuffer target) throws IOException {
      return first == null ? next.read(target) : fill(target, first);
    }

    private int fill(ByteBuffer target, PooledByteBuffer pooled) throws IOException {
      ByteBuffer bytes = pooled.getBuffer();
      int n = Math.min(bytes.remaining(), target.remaining());
      target.put(bytes.slice(bytes.position(), n));
      bytes.position(bytes.position() + n);
      if (!bytes.hasRemaining()) {
        first = null;
        pooled.close();
      }
      return n > 0 || first != null ? n : next.read(target);
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
      int before;
      int n;
      do {
        before = held.length;
        n = readOnce(target);
        // All bytes are held back, and more may be available: do not return 0
      } while (n == 0 && held.length > before);
      return n;
    }

    private int readOnce(ByteBuffer target) throws IOException {
      if (stopped) {
        return 0;
      }
      int start = target.position();
      if (held.length > 0) {
        if (target.remaining() <= held.length) {
          throw new IOException("there is no room for the rest of a header");
        }
        target.put(held);
      }
      int from = target.position();
      int n = fill(target);
      if (n <= 0) {
        target.position(start);
        return n;
      }
      held = NOTHING;
      int end = target.position();
      int stop = framing.accept(target, from, end);
      while (stop < end && framing.isBetweenRequests()) {
        end = withoutLineEnds(target, stop, end);
        stop = framing.accept(target, stop, end);
      }
      count(end - from);
      if (stop < end && framing.inBody()) {
        stopped = true;
        target.position(stop);
        tell();
        return stop - start;
      }
      if (stop < end) {
        spoil(target.duplicate().position(end).flip(), stop, framing);
      }
      target.position(end - holdBack(target, end));
      return target.position() - start;
    }

    private void count(int more) throws IOException {
      if (framing.inHead()) {
        head.grow(more);
      } else {
        head.end();
      }
    }

    /** Drops empty lines before a request (RFC 9112, section 2.2). Returns the new end. */
    private static int withoutLineEnds(ByteBuffer bytes, int from, int end) {
      int next = from;
      while (next < end && RequestFraming.endsLine(bytes.get(next))) {
        next++;
      }
      bytes.put(from, bytes, next, end - next);
      return from + end - next;
    }

    /** Keeps the whitespace before an index for the next read. Returns its length. */
    int holdBack(ByteBuffer bytes, int end) {
      int open = framing.open();
      if (open > 0) {
        held = new byte[open];
        bytes.get(end - open, held);
      }
      return open;
    }

    /** By then no reader will ask any more. */
    private void tell() {
      next.suspendReads();
      broken.add(connection);
      var _ =
          connection
              .getIoThread()
              .executeAfter(
                  () -> {
                    if (broken.remove(connection)) {
                      IoUtils.safeClose(connection);
                    }
                  },
                  ASKED_WITHIN_MS,
                  TimeUnit.MILLISECONDS);
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

    @Override
    public long transferTo(long position, long count, FileChannel target) throws IOException {
      return target.transferFrom(new ConduitReadableByteChannel(this), position, count);
    }

    @Override
    public long transferTo(long count, ByteBuffer through, StreamSinkChannel target)
        throws IOException {
      return IoUtils.transfer(new ConduitReadableByteChannel(this), count, through, target);
    }
  }
}
