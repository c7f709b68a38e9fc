package relay.upstream;

import java.lang.reflect.Field;
import java.net.Socket;
import okhttp3.Connection;
import okhttp3.Response;
import okio.Buffer;
import okio.ForwardingSource;
import okio.RealBufferedSource;
import okio.Source;
import org.jspecify.annotations.Nullable;
import relay.carrier.CarrierSockets;

/**
 * Waits for more of an answer in chunks, of HTTP/1.1 without TLS, before OkHttp is asked for it:
 * while OkHttp waits it holds a segment of 8 KiB for what will come, and a dozen frames on the
 * thread's stack. Thousands of streams wait at a time.
 *
 * <p>It may wait only while nothing that came is left to be read. Behind a chunk OkHttp leaves the
 * line break that ends it, in a segment: that is put into a small one meanwhile. It is known from
 * data by OkHttp's own count of what the chunk still lacks.
 */
final class QuietWait {
  private static final String CHUNKED = "okhttp3.internal.http1.Http1ExchangeCodec$ChunkedSource";
  private static final Field LACKS = ReadAhead.field(chunked(), "bytesRemainingInChunk");

  private static final int LINE_BREAK = 2;

  private final Socket socket;
  private final Buffer ahead;
  private final Buffer body;
  private final Source chunks;

  private QuietWait(Socket socket, Buffer ahead, Buffer body, Source chunks) {
    this.socket = socket;
    this.ahead = ahead;
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

  /** Null for an answer that comes in another way: OkHttp waits for it. */
  static @Nullable QuietWait of(Response response, @Nullable Connection connection) {
    Buffer ahead = ReadAhead.of(connection);
    return ahead != null
            && connection != null
            && CarrierSockets.made(connection.socket())
            && response.body().source() instanceof RealBufferedSource body
            && body.source instanceof ForwardingSource counting
            && LACKS.getDeclaringClass().isInstance(counting.delegate())
        ? new QuietWait(connection.socket(), ahead, body.getBuffer(), counting.delegate())
        : null;
  }

  /** Waits until something came, the end or a fault included; not at all if more can be read. */
  void await() {
    if (body.size() == 0 && isUsedUp()) {
      CarrierSockets.awaitBytes(socket);
    }
  }

  private boolean isUsedUp() {
    if (ahead.size() == 0) {
      return true;
    }
    if (ahead.size() > LINE_BREAK || ahead.getByte(0) != '\r' || lacks() != 0) {
      return false;
    }
    byte[] small = ahead.readByteArray();
    LentBytes.lend(small, small.length, ahead);
    return true;
  }

  private long lacks() {
    try {
      return LACKS.getLong(chunks);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e); // it was made accessible
    }
  }
}
