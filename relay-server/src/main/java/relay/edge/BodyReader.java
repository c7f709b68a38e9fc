package relay.edge;

import io.undertow.server.HttpServerExchange;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.xnio.channels.StreamSourceChannel;
import relay.body.BodyBuffer;
import relay.body.BodyBuffers;
import relay.body.Payload;
import relay.body.SlowBodies;
import relay.pipeline.ClientExchange.Body;

/**
 * Reads a body, bounded in bytes and in time. An array grows with the bytes that have arrived, not
 * with the announced length. A {@link BodyBuffer} is reserved at once.
 */
final class BodyReader {
  private static final int FIRST_ROOM = BodyBuffers.BYTES;

  private static final byte[] NONE = {};

  /**
   * Bytes read before the announced length is allocated at once, to avoid copies of a large body.
   */
  private static final int QUICK_BYTES = 16 * 1024;

  /** Each such number of bytes gives the body one more second. */
  private static final long BYTES_A_SECOND = 8 * 1024;

  private final HttpServerExchange exchange;
  private final BodyChannel channel;
  private final ClientBounds bounds;
  private final int maxBytes;
  private final @Nullable Passing passes; // null: a longer body is too large
  private @Nullable BodyBuffer direct;
  private final BodyMemory memory;
  private byte[] bytes = NONE;
  private int length;
  private SlowBodies.@Nullable Reading large;
  private boolean noRoom;
  private long startedNanos; // of the first wait; 0 before it

  /** What a body becomes that is longer than it may be to be held. */
  @FunctionalInterface
  interface Passing {
    /**
     * @param first bytes of it that were read; null for none
     */
    ArrivingBody after(BodyChannel channel, @Nullable Payload first);
  }

  private BodyReader(
      HttpServerExchange exchange,
      BodyChannel channel,
      ClientBounds bounds,
      int maxBytes,
      @Nullable Passing passes) {
    this.exchange = exchange;
    this.channel = channel;
    this.bounds = bounds;
    this.maxBytes = maxBytes;
    this.passes = passes;
    memory = new BodyMemory(bounds.bodies());
  }

  /**
   * Reads to the end. Blocks: use a virtual thread.
   *
   * @param passes a longer body is not read to its end; null: it is too large
   */
  static Body read(
      HttpServerExchange exchange,
      ClientClosing closing,
      ClientBounds bounds,
      int maxBytes,
      @Nullable Passing passes) {
    boolean tooLong = exchange.getRequestContentLength() > maxBytes;
    if (tooLong && passes == null) {
      exchange.setPersistent(false); // the rest stays unread
      return new Body.TooLarge();
    }
    StreamSourceChannel channel = exchange.getRequestChannel();
    if (channel == null) { // there is no body
      return new Body.Whole(Payload.of(NONE));
    }
    try {
      BodyChannel body = new BodyChannel(exchange, channel, closing);
      BodyReader reader = new BodyReader(exchange, body, bounds, maxBytes, passes);
      return tooLong ? reader.passing(null) : reader.read();
    } catch (IOException e) {
      return new Body.Broken();
    }
  }

  private Body read() throws IOException {
    direct = bounds.bodies().reserve(exchange.getRequestContentLength());
    try {
      return body();
    } finally {
      if (direct != null) {
        direct.release();
      }
      memory.release();
      if (large != null) {
        large.close();
      }
    }
  }

  private Body body() throws IOException {
    Body bad = readAll();
    channel.stop();
    if (bad instanceof Body.Passing) {
      return bad;
    }
    if (bad != null) {
      exchange.setPersistent(false); // the rest stays unread
      return bad;
    }
    if (channel.isClosed()) { // the body of a stream that was reset seems to end
      return new Body.Broken();
    }
    long announced = exchange.getRequestContentLength();
    if (announced >= 0 && announced != length) { // possible over HTTP/2
      exchange.setPersistent(false);
      return new Body.Malformed();
    }
    return new Body.Whole(payload());
  }

  private Body passing(@Nullable Payload first) {
    return new Body.Passing(Objects.requireNonNull(passes).after(channel, first));
  }

  private Payload payload() {
    if (direct == null) {
      return memory.own(length == bytes.length ? bytes : Arrays.copyOf(bytes, length));
    }
    Payload payload = direct.payload();
    direct = null; // the payload owns it now
    return payload;
  }

  /** Null when the end of the body was reached. */
  private @Nullable Body readAll() throws IOException {
    while (true) {
      int n = readSome();
      if (noRoom) {
        return new Body.NoRoom();
      }
      if (n < 0) {
        return null;
      }
      if (length > maxBytes) {
        return passes == null ? new Body.TooLarge() : passing(payload());
      }
      if (direct != null && direct.isOverfull()) { // as HTTP/2's frames allow
        return new Body.Malformed();
      }
      if (n == 0) {
        if (bounds.guard().foundBroken(exchange)) {
          return new Body.Malformed();
        }
        if ((large != null && large.isEnded()) || !mayWait()) {
          return new Body.TooSlow();
        }
      }
    }
  }

  /** Reads what has arrived. Keeps at most one byte more than allowed, unless the rest passes. */
  private int readSome() throws IOException {
    if (direct != null) {
      int n = channel.read(direct.buffer());
      length += Math.max(0, n);
      return n;
    }
    // One call reads what Undertow would read with four. No thread waits for the client while it
    // holds a buffer.
    ByteBuffer buffer = channel.fill(bounds.bodies(), BodyBuffers.BYTES);
    if (buffer == null) {
      return channel.lastRead();
    }
    try {
      int n = channel.lastRead();
      int some = passes != null ? n : Math.min(n, maxBytes - length + 1);
      if (!makeRoom(some)) {
        noRoom = true;
        return n;
      }
      buffer.get(bytes, length, some);
      length += some;
      if (large != null) {
        large.grew(some);
      }
      return n;
    } finally {
      bounds.bodies().giveBack(buffer);
    }
  }

  /** Waits for more bytes, or for a while. False when the body's time is over. */
  private boolean mayWait() throws IOException {
    long now = System.nanoTime();
    if (startedNanos == 0) {
      startedNanos = now;
    }
    long allowed = bounds.patience().toNanos() + earnedNanos(length);
    long left = allowed - (now - startedNanos);
    if (left <= 0) {
      return false;
    }
    channel.await(left);
    return true;
  }

  /** The time that bytes give to a body. */
  static long earnedNanos(long bytes) {
    return 1_000_000_000L / BYTES_A_SECOND * bytes;
  }

  /** False if the replica has no memory for it. */
  private boolean makeRoom(int more) {
    if (more > bytes.length - length) {
      long most = maxBytes + 1L;
      int room = (int) Math.max(length + more, Math.min(most, room(more)));
      if (!memory.grow(room)) {
        return false;
      }
      bytes = Arrays.copyOf(bytes, room);
      if (large == null && room > SlowBodies.LARGE_BYTES) {
        large = bounds.bodies().slow().begin();
      }
    }
    return true;
  }

  /**
   * A client that sends much at once will send the rest soon. One that sends little may be an
   * attack.
   */
  private long room(int more) {
    long announced = exchange.getRequestContentLength();
    if (length > 0) {
      boolean comesQuickly = length >= QUICK_BYTES && announced > BodyBuffers.BYTES;
      return comesQuickly ? announced : 2L * bytes.length;
    }
    return announced < 0 ? 2L * more : Math.min(announced, Math.max(2L * more, firstRoom(more)));
  }

  private static long firstRoom(int more) {
    return more >= FIRST_ROOM / 16 ? FIRST_ROOM : 0;
  }
}
