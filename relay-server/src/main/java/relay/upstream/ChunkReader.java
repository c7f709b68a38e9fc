package relay.upstream;

import java.io.IOException;
import java.lang.reflect.Field;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.function.Predicate;
import okhttp3.Connection;
import okhttp3.Response;
import okio.Buffer;
import okio.BufferedSource;
import okio.ForwardingSource;
import okio.RealBufferedSource;
import okio.Segment;
import okio.Source;
import org.jspecify.annotations.Nullable;
import relay.carrier.CarrierSockets;
import relay.upstream.UpstreamAnswer.DirectSink;
import relay.upstream.UpstreamAnswer.DirectTap;

/**
 * Reads an answer in chunks, of HTTP/1.1 without TLS, in OkHttp's stead: OkHttp makes a string of
 * each chunk's size, and moves what is in it from buffer to buffer, for each event of a stream. And
 * while OkHttp waits it holds a segment of 8 KiB for what will come, and a dozen frames on the
 * thread's stack. Thousands of streams wait at a time.
 *
 * <p>OkHttp's own count of what the chunk still lacks is kept true, so that it may go on at any
 * byte. It reads what is not as most providers write it, and the last chunk, with which the
 * connection becomes free.
 */
final class ChunkReader {
  private static final String CHUNKED = "okhttp3.internal.http1.Http1ExchangeCodec$ChunkedSource";
  private static final Field LACKS = ReadAhead.field(chunked(), "bytesRemainingInChunk");

  /** Of a chunk that ended, of which the line break is still to be read. */
  private static final long ENDED = 0;

  /** Of none: its size comes next. OkHttp has it so before the first one. */
  private static final long NONE = -1;

  private static final int MOST_DIGITS = 7;

  private final Socket socket;
  private final BufferedSource connection;
  private final Buffer ahead;
  private final Buffer body;
  private final Source chunks;
  private @Nullable Predicate<ByteBuffer> parkedConsumer;

  private ChunkReader(Socket socket, BufferedSource connection, Buffer body, Source chunks) {
    this.socket = socket;
    this.connection = connection;
    this.ahead = connection.getBuffer();
    this.body = body;
    this.chunks = chunks;
  }

  private static Class<?> chunked() {
    try {
      return Class.forName(CHUNKED);
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException("this version of OkHttp is built otherwise", e);
    }
  }

  /** Null for an answer that comes in another way: OkHttp reads it. */
  static @Nullable ChunkReader of(Response response, @Nullable Connection connection) {
    BufferedSource ahead = ReadAhead.of(connection);
    return ahead != null
            && connection != null
            && CarrierSockets.made(connection.socket())
            && response.body().source() instanceof RealBufferedSource body
            && body.source instanceof ForwardingSource counting
            && LACKS.getDeclaringClass().isInstance(counting.delegate())
        ? new ChunkReader(connection.socket(), ahead, body.getBuffer(), counting.delegate())
        : null;
  }

  /**
   * Reads what has come of the chunks, waiting if nothing has.
   *
   * @return 0 when OkHttp must read on, be it to find a fault
   */
  int read(byte[] target, int offset, int length) throws IOException {
    if (body.size() > 0) {
      return 0; // it was read by OkHttp
    }
    long lacks = lacks();
    lacks = lacks == ENDED ? afterLineBreak() : lacks;
    if (ahead.size() == 0) {
      lacks(lacks); // which holds if the wait fails, too
      await(lacks == NONE ? parkedConsumer : null);
    }
    int filled = 0;
    while (filled < length) {
      lacks = lacks == ENDED ? afterLineBreak() : lacks;
      lacks = lacks == NONE ? size() : lacks;
      int most = (int) Math.min(lacks, length - filled);
      int n = most > 0 ? ahead.read(target, offset + filled, most) : 0;
      if (n <= 0) {
        break;
      }
      filled += n;
      lacks -= n;
    }
    // So that nothing is left, and held, while the next chunk is waited for
    lacks(lacks == ENDED ? afterLineBreak() : lacks);
    return filled;
  }

  private void await(@Nullable Predicate<ByteBuffer> whileWaiting) throws IOException {
    while (ahead.size() == 0) {
      if (CarrierSockets.awaitBytes(socket, whileWaiting)) {
        connection.request(1);
        return;
      }
    }
  }

  /**
   * Lets whole chunks that arrive while a {@link #read} waits for its next chunk go directly to the
   * client. If the sink takes none, or the chunks are written in an unusual way, the read goes on.
   *
   * @param heard runs when something arrived
   */
  void sendDirectly(DirectSink sink, DirectTap tap, Runnable heard) {
    parkedConsumer =
        arrived -> {
          heard.run();
          return passOn(sink, tap, arrived);
        };
  }

  private boolean passOn(DirectSink sink, DirectTap tap, ByteBuffer arrived) {
    byte[] bytes = arrived.array();
    int from = arrived.arrayOffset() + arrived.position();
    int end = from + arrived.remaining();
    int sent = mayBypass(tap, bytes, from, end) ? send(sink, arrived) : 0;
    if (sent == 0) {
      ahead.write(bytes, from, end - from);
      return false;
    }
    for (int p = from; p < end; ) {
      int line = sizeEnd(bytes, p, end);
      int size = size(bytes, p, line);
      tap.sent(bytes, line + 2, size);
      p = line + 2 + size + 2;
    }
    return sent == end - from;
  }

  private static int send(DirectSink sink, ByteBuffer chunks) {
    try {
      return sink.send(chunks);
    } catch (IOException e) {
      return 0; // the reading thread will find the same error, and handle it
    }
  }

  private static boolean mayBypass(DirectTap tap, byte[] bytes, int from, int end) {
    for (int p = from; p < end; ) {
      int line = sizeEnd(bytes, p, end);
      int size = line < 0 ? 0 : size(bytes, p, line);
      p = line + 2 + size + 2;
      if (size == 0
          || p > end
          || bytes[p - 2] != '\r'
          || bytes[p - 1] != '\n'
          || !tap.mayBypass(bytes, line + 2, size)) {
        return false;
      }
    }
    return true;
  }

  /** Behind a chunk: none, or still that it ended if no line break follows as it should. */
  private long afterLineBreak() throws IOException {
    if (ahead.size() < 2 || ahead.getByte(0) != '\r' || ahead.getByte(1) != '\n') {
      return ENDED;
    }
    ahead.skip(2);
    return NONE;
  }

  /** The next chunk's; none if it is not there as a whole, or not as most providers write it. */
  private long size() throws IOException {
    Segment segment = ahead.head;
    if (segment == null) {
      return NONE;
    }
    int from = segment.pos;
    int line = sizeEnd(segment.data, from, segment.limit);
    int size = line < 0 ? 0 : size(segment.data, from, line);
    if (size == 0) {
      return NONE;
    }
    ahead.skip(line + 2 - from);
    return size;
  }

  /** Where the line ends that says a chunk's size; -1 if it does not, or not as most write it. */
  private static int sizeEnd(byte[] bytes, int from, int end) {
    int p = from;
    int most = Math.min(end - 2, from + MOST_DIGITS);
    while (p < most && Character.digit(bytes[p], 16) >= 0) {
      p++;
    }
    return p > from && p < end - 1 && bytes[p] == '\r' && bytes[p + 1] == '\n' ? p : -1;
  }

  private static int size(byte[] bytes, int from, int end) {
    int size = 0;
    for (int p = from; p < end; p++) {
      size = size << 4 | Character.digit(bytes[p], 16);
    }
    return size;
  }

  private long lacks() {
    try {
      return LACKS.getLong(chunks);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e); // it was made accessible
    }
  }

  private void lacks(long bytes) {
    try {
      LACKS.setLong(chunks, bytes);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e); // it was made accessible
    }
  }
}
