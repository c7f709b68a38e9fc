package relay.edge;

import io.undertow.server.HttpServerExchange;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.xnio.XnioExecutor;
import org.xnio.channels.StreamSourceChannel;
import relay.pipeline.ClientExchange.BodyReader;

/**
 * Reads a body on the I/O thread as it comes, never more than allowed, and not for ever. Room is
 * made for what has come, not for what the client says will.
 */
final class RequestBody {
  private static final int FIRST_ROOM = 64 * 1024;

  /**
   * Of each I/O thread: what a socket holds is read with one call where Undertow would make four.
   */
  private static final ThreadLocal<ByteBuffer> BUFFER =
      ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(FIRST_ROOM));

  private static final byte[] NONE = {};

  /** A body may take a second more than it is given for each so many bytes that came. */
  private static final long BYTES_A_SECOND = 8 * 1024;

  private final HttpServerExchange exchange;
  private final FramingGuard guard;
  private final long patienceMs;
  private final int maxBytes;
  private final BodyReader reader;
  private byte[] bytes = NONE;
  private int length;
  private long startedNanos;
  private XnioExecutor.@Nullable Key patience; // runs out, once anything had to be waited for

  private RequestBody(
      HttpServerExchange exchange, ClientBounds bounds, int maxBytes, BodyReader reader) {
    this.exchange = exchange;
    this.guard = bounds.guard();
    this.patienceMs = bounds.patience().toMillis();
    this.maxBytes = maxBytes;
    this.reader = reader;
  }

  static void read(
      HttpServerExchange exchange, ClientBounds bounds, int maxBytes, BodyReader reader) {
    if (exchange.getRequestContentLength() > maxBytes) {
      exchange.setPersistent(false); // nobody will read the rest
      reader.tooLarge();
      return;
    }
    StreamSourceChannel channel = exchange.getRequestChannel();
    if (channel == null) { // there is no body
      reader.body(NONE);
      return;
    }
    new RequestBody(exchange, bounds, maxBytes, reader).readFrom(channel);
  }

  private void readFrom(StreamSourceChannel channel) {
    ByteBuffer buffer = BUFFER.get();
    try {
      while (true) {
        buffer.clear();
        int n = channel.read(buffer);
        if (n < 0) {
          break;
        }
        if (n == 0) {
          if (guard.foundBroken(exchange)) {
            stop(channel);
            reader.malformed();
          } else {
            waitForMore(channel);
          }
          return;
        }
        if (n > maxBytes - length) {
          stop(channel);
          reader.tooLarge();
          return;
        }
        buffer.flip();
        makeRoom(n);
        buffer.get(bytes, length, n);
        length += n;
      }
    } catch (IOException e) {
      loseNoPatience();
      reader.broken();
      return;
    }
    loseNoPatience();
    channel.getReadSetter().set(null);
    channel.suspendReads();
    long announced = exchange.getRequestContentLength();
    if (announced >= 0 && announced != length) { // as HTTP/2's frames allow
      exchange.setPersistent(false);
      reader.malformed();
      return;
    }
    reader.body(length == bytes.length ? bytes : Arrays.copyOf(bytes, length));
  }

  private void waitForMore(StreamSourceChannel channel) {
    if (patience == null) {
      startedNanos = System.nanoTime();
      beLenient(channel, patienceMs);
    }
    channel.getReadSetter().set(this::readFrom);
    channel.resumeReads();
  }

  private void beLenient(StreamSourceChannel channel, long millis) {
    patience =
        exchange.getIoThread().executeAfter(() -> look(channel), millis, TimeUnit.MILLISECONDS);
  }

  /** The time that was given is over; what came meanwhile may have earned more. */
  private void look(StreamSourceChannel channel) {
    long allowed = patienceMs + 1000L * length / BYTES_A_SECOND;
    long left = allowed - (System.nanoTime() - startedNanos) / 1_000_000;
    if (left > 0) {
      beLenient(channel, left);
    } else {
      stop(channel);
      reader.tooSlow();
    }
  }

  private void loseNoPatience() {
    if (patience != null) {
      patience.remove();
    }
  }

  /** Nobody will read the rest. */
  private void stop(StreamSourceChannel channel) {
    loseNoPatience();
    channel.getReadSetter().set(null);
    channel.suspendReads();
    exchange.setPersistent(false);
  }

  private void makeRoom(int more) {
    if (more > bytes.length - length) {
      bytes = Arrays.copyOf(bytes, (int) Math.min(maxBytes, Math.max(room(more), length + more)));
    }
  }

  /** A client that sends much at once will go on so; one that sends little may be up to no good. */
  private long room(int more) {
    if (length > 0) {
      return 2L * bytes.length;
    }
    long announced = exchange.getRequestContentLength();
    return announced < 0 ? 2L * more : Math.min(announced, Math.max(2L * more, firstRoom(more)));
  }

  private static long firstRoom(int more) {
    return more >= FIRST_ROOM / 16 ? FIRST_ROOM : 0;
  }
}
