package relay.edge;

import io.undertow.connector.ByteBufferPool;
import io.undertow.connector.PooledByteBuffer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.xnio.channels.StreamSourceChannel;
import relay.carrier.Buffers;
import relay.carrier.Payload;

/**
 * A buffer in which a body stays from the client's socket to the provider's. An array for it would
 * have to be zeroed, and the body be copied into it and out again: a fifth of what a body of 50 KB
 * costs.
 */
final class BodyBuffer {
  private static final int BYTES = 64 * 1024;

  /** Before the body there is room for the head that leaves with it. */
  private static final int HEADROOM = 2 * 1024;

  /** Up to this one a body is cheaper in an array. */
  private static final int SMALL = 8 * 1024;

  /** Requests under way may hold so many: the bodies of others are arrays, which only costs. */
  private static final int MOST = 256;

  private static final ByteBufferPool BUFFERS = new Buffers(BYTES);
  private static final Semaphore FREE = new Semaphore(MOST);

  private final PooledByteBuffer pooled = BUFFERS.allocate();

  private BodyBuffer(int announced) {
    pooled.getBuffer().position(HEADROOM).limit(HEADROOM + announced + 1);
  }

  /** For a body whose length was announced; null if it is to become an array. */
  static @Nullable BodyBuffer of(long announced) {
    boolean fits = announced > SMALL && announced < BYTES - HEADROOM;
    return fits && FREE.tryAcquire() ? new BodyBuffer((int) announced) : null;
  }

  /** How many are taken now. */
  static int taken() {
    return MOST - FREE.availablePermits();
  }

  /** As the channel's own; 0 as well when more came than was announced. */
  int read(StreamSourceChannel channel) throws IOException {
    return channel.read(pooled.getBuffer());
  }

  /** Whether more came than was announced. */
  boolean isOverfull() {
    return !pooled.getBuffer().hasRemaining();
  }

  /** What was read; whoever forgets it gives the place back. */
  Payload payload() {
    ByteBuffer body = pooled.getBuffer().flip().position(HEADROOM);
    return Payload.in(body, BUFFERS.getArrayBackedPool(), this::giveBack);
  }

  /** Once, when nobody reads or sends what is in it any more. */
  void giveBack() {
    pooled.close();
    FREE.release();
  }
}
