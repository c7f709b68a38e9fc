package relay.edge;

import io.undertow.connector.PooledByteBuffer;
import io.undertow.server.HttpServerExchange;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.xnio.channels.StreamSourceChannel;
import relay.pipeline.ClientExchange.BodyReader;

/**
 * Reads a body on the I/O thread as it comes, never more than allowed. Room is made for what has
 * come, not for what the client says will.
 */
final class RequestBody {
  private static final int FIRST_ROOM = 16 * 1024;

  private final HttpServerExchange exchange;
  private final int maxBytes;
  private final BodyReader reader;
  private byte[] bytes;
  private int length;

  private RequestBody(HttpServerExchange exchange, int maxBytes, BodyReader reader, byte[] room) {
    this.exchange = exchange;
    this.maxBytes = maxBytes;
    this.reader = reader;
    bytes = room;
  }

  static void read(HttpServerExchange exchange, int maxBytes, BodyReader reader) {
    long announced = exchange.getRequestContentLength();
    if (announced > maxBytes) {
      exchange.setPersistent(false); // nobody will read the rest
      reader.tooLarge();
      return;
    }
    int room = announced < 0 ? FIRST_ROOM : (int) Math.min(announced, 4 * FIRST_ROOM);
    StreamSourceChannel channel = exchange.getRequestChannel();
    if (channel == null) { // there is no body
      reader.body(new byte[0]);
      return;
    }
    new RequestBody(exchange, maxBytes, reader, new byte[room]).readFrom(channel);
  }

  private void readFrom(StreamSourceChannel channel) {
    try (PooledByteBuffer pooled = exchange.getConnection().getByteBufferPool().allocate()) {
      ByteBuffer buffer = pooled.getBuffer();
      while (true) {
        buffer.clear();
        int n = channel.read(buffer);
        if (n < 0) {
          break;
        }
        if (n == 0) {
          channel.getReadSetter().set(this::readFrom);
          channel.resumeReads();
          return;
        }
        if (n > maxBytes - length) {
          channel.suspendReads();
          exchange.setPersistent(false);
          reader.tooLarge();
          return;
        }
        buffer.flip();
        makeRoom(n);
        buffer.get(bytes, length, n);
        length += n;
      }
    } catch (IOException e) {
      reader.broken();
      return;
    }
    channel.getReadSetter().set(null);
    channel.suspendReads();
    reader.body(length == bytes.length ? bytes : Arrays.copyOf(bytes, length));
  }

  private void makeRoom(int more) {
    if (more > bytes.length - length) {
      long doubled = Math.max(2L * bytes.length, (long) length + more);
      bytes = Arrays.copyOf(bytes, (int) Math.min(maxBytes, doubled));
    }
  }
}
