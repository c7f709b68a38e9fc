package relay.upstream;

import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.function.Predicate;
import okhttp3.Connection;
import okhttp3.Response;
import okio.Buffer;
import okio.BufferedSource;
import okio.ForwardingSource;
import okio.RealBufferedSource;
import org.jspecify.annotations.Nullable;
import relay.carrier.CarrierSockets;
import relay.reach.ChunkCount;
import relay.reach.ReadAhead;
import relay.upstream.UpstreamAnswer.DirectSink;
import relay.upstream.UpstreamAnswer.DirectTap;

/**
 * Reads a chunked HTTP/1.1 body without TLS in place of OkHttp. For each event of a stream, OkHttp
 * parses the chunk size through a String and copies the data between buffers. While it waits it
 * holds an 8 KiB segment and a dozen stack frames, and thousands of streams wait at once.
 *
 * <p>Keeps OkHttp's count of the chunk's remaining bytes up to date, so that OkHttp can take over
 * at any byte. OkHttp reads unusual chunk headers, and the last chunk, which frees the connection.
 */
final class ChunkReader {
  private static final int MOST_DIGITS = 7;

  private final Socket socket;
  private final BufferedSource connection;
  private final Buffer ahead;
  private final Buffer body;
  private final ChunkCount count;
  private @Nullable Predicate<ByteBuffer> parkedConsumer;

  private ChunkReader(Socket socket, BufferedSource connection, Buffer body, ChunkCount count) {
    this.socket = socket;
    this.connection = connection;
    this.ahead = connection.getBuffer();
    this.body = body;
    this.count = count;
  }

  /** Null for any other kind of body: OkHttp reads it. */
  static @Nullable ChunkReader of(Response response, @Nullable Connection connection) {
    BufferedSource ahead = ReadAhead.of(connection);
    if (ahead == null
        || connection == null
        || !CarrierSockets.made(connection.socket())
        || !(response.body().source() instanceof RealBufferedSource body)
        || !(body.source instanceof ForwardingSource counting)) {
      return null;
    }
    ChunkCount count = ChunkCount.of(counting.delegate());
    return count == null
        ? null
        : new ChunkReader(connection.socket(), ahead, body.getBuffer(), count);
  }

  /**
   * Reads the available chunk data; blocks if there is none.
   *
   * @return 0 if OkHttp must continue, for example to report a fault
   */
  int read(byte[] target, int offset, int length) throws IOException {
    if (body.size() > 0) {
      return 0; // OkHttp has read it
    }
    long lacks = count.get();
    lacks = lacks == ChunkCount.ENDED ? afterLineBreak() : lacks;
    if (ahead.size() == 0) {
      count.set(lacks); // set it now: the wait may throw
      await(lacks == ChunkCount.NONE ? parkedConsumer : null);
    }
    int filled = 0;
    while (filled < length) {
      lacks = lacks == ChunkCount.ENDED ? afterLineBreak() : lacks;
      lacks = lacks == ChunkCount.NONE ? size() : lacks;
      int most = (int) Math.min(lacks, length - filled);
      int n = most > 0 ? ahead.read(target, offset + filled, most) : 0;
      if (n <= 0) {
        break;
      }
      filled += n;
      lacks -= n;
    }
    // Consume the line break now, so that no buffer is held while waiting for the next chunk.
    count.set(lacks == ChunkCount.ENDED ? afterLineBreak() : lacks);
    return filled;
  }

  /** Bytes of the connection that are not read yet. */
  long arrived() {
    return ahead.size();
  }

  /**
   * Waits for the first byte of data, and reads none.
   *
   * @return false if OkHttp must continue
   */
  boolean awaitFirst() throws IOException {
    long lacks = count.get();
    while (lacks == ChunkCount.NONE || (lacks > 0 && ahead.size() == 0)) {
      await(null);
      if (lacks == ChunkCount.NONE) {
        lacks = size();
        count.set(lacks);
        if (lacks == ChunkCount.NONE) {
          return false;
        }
      }
    }
    return lacks > 0;
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
   * Sends complete chunks that arrive while a {@link #read} waits directly to the client. If the
   * sink accepts none, or the chunks have an unusual form, the read continues.
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

  /**
   * The remaining count after a chunk: {@link ChunkCount#NONE}, or {@link ChunkCount#ENDED} if the
   * line break is missing or incomplete.
   */
  private long afterLineBreak() throws IOException {
    if (ahead.size() < 2 || ahead.getByte(0) != '\r' || ahead.getByte(1) != '\n') {
      return ChunkCount.ENDED;
    }
    ahead.skip(2);
    return ChunkCount.NONE;
  }

  /** The next chunk's size; {@link ChunkCount#NONE} if its size line is incomplete or unusual. */
  private long size() throws IOException {
    int size = 0;
    for (int n = 0; n + 1 < ahead.size() && n <= MOST_DIGITS; n++) {
      int digit = Character.digit(ahead.getByte(n), 16);
      if (digit >= 0) {
        size = size << 4 | digit; // of more digits than an int has, the line is unusual
      } else if (size > 0 && ahead.getByte(n) == '\r' && ahead.getByte(n + 1) == '\n') {
        ahead.skip(n + 2);
        return size;
      } else {
        return ChunkCount.NONE;
      }
    }
    return ChunkCount.NONE;
  }

  /** The end of a chunk's size line; -1 if it is incomplete or unusual. */
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
}
