package relay.carrier;

import io.undertow.connector.ByteBufferPool;
import io.undertow.connector.PooledByteBuffer;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A request's body: in an array, or where the client's socket put it, in memory from which the
 * provider's socket can take it as it is. An array is made of it only if somebody asks for one.
 *
 * <p>The memory is used again after {@link #forget}, so that comes when nobody reads or sends it
 * any more. Used by one thread at a time.
 */
public final class Payload {
  private final int length;
  private byte @Nullable [] bytes;
  private @Nullable Place place;

  private Payload(byte[] bytes) {
    this.bytes = bytes;
    length = bytes.length;
  }

  private Payload(Place place, int length) {
    this.place = place;
    this.length = length;
  }

  /**
   * Memory outside of the heap.
   *
   * @param buffer from its position to its limit: the body; before it there is room
   * @param arrays of no fewer bytes than the body has
   * @param onForget lets others have the memory
   */
  private record Place(ByteBuffer buffer, ByteBufferPool arrays, Runnable onForget) {}

  /** Bytes that nobody changes. */
  public static Payload of(byte[] bytes) {
    return new Payload(bytes);
  }

  /**
   * Bytes where they are.
   *
   * @param buffer a direct one; from its position to its limit: the body
   * @param arrays a pool of heap buffers that are as large
   * @param onForget lets others have the buffer
   */
  public static Payload in(ByteBuffer buffer, ByteBufferPool arrays, Runnable onForget) {
    return new Payload(new Place(buffer, arrays, onForget), buffer.remaining());
  }

  /** How many bytes. */
  public int length() {
    return length;
  }

  /** Reads bytes that are there for the time of the call. */
  public interface Look<T> {
    /**
     * @param bytes may be longer than the body
     * @param length of the body
     */
    T at(byte[] bytes, int length);
  }

  /** Shows the bytes to somebody who does not keep them. */
  public <T> T show(Look<T> look) {
    Place at = place;
    if (bytes != null || at == null) {
      return look.at(bytes(), length);
    }
    try (PooledByteBuffer lent = at.arrays.allocate()) { // one that is in the processor's caches
      byte[] copy = lent.getBuffer().array();
      at.buffer.get(at.buffer.position(), copy, 0, length);
      return look.at(copy, length);
    }
  }

  /** The bytes, to be kept and not to be changed. */
  public byte[] bytes() {
    byte[] known = bytes;
    if (known == null) {
      known = new byte[length];
      Place at = place;
      if (at == null) {
        throw new IllegalStateException("the body was forgotten");
      }
      at.buffer.get(at.buffer.position(), known);
      bytes = known;
    }
    return known;
  }

  /** A view of the memory that the bytes are in; null if it is the heap. */
  public @Nullable ByteBuffer inPlace() {
    Place at = place;
    return at == null ? null : at.buffer.duplicate();
  }

  /** It is needed no more. */
  public void forget() {
    Place at = place;
    place = null;
    bytes = null;
    if (at != null) {
      at.onForget.run();
    }
  }
}
