package relay.body;

import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A direct buffer that holds one body until {@link #release}. Used by one thread at a time. */
public final class BodyBuffer {
  private final BodyBuffers owner;
  private @Nullable ByteBuffer buffer;

  BodyBuffer(BodyBuffers owner, ByteBuffer buffer, int announced) {
    this.owner = owner;
    // One byte more than announced, to detect a longer body.
    this.buffer = buffer.position(BodyBuffers.HEADROOM).limit(BodyBuffers.HEADROOM + announced + 1);
  }

  /** The buffer to read the body into. */
  public ByteBuffer buffer() {
    return Objects.requireNonNull(buffer, "the buffer was released");
  }

  /** Whether more bytes than announced were read. */
  public boolean isOverfull() {
    return !buffer().hasRemaining();
  }

  /** The bytes read so far, as a body. Releasing the body releases this buffer. */
  public Payload payload() {
    ByteBuffer body = buffer().flip().position(BodyBuffers.HEADROOM);
    return Payload.in(body, owner.arrays(), this::release);
  }

  /**
   * Releases the buffer once; later calls have no effect. No thread may use its bytes afterwards.
   */
  public void release() {
    ByteBuffer released = buffer;
    buffer = null;
    if (released != null) {
      owner.release(released);
    }
  }
}
