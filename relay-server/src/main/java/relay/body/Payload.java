package relay.body;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import relay.carrier.SpareBuffers;

/**
 * A request body: an array, direct memory that the provider's socket sends without a copy, or an
 * {@link Upload} that is not held. Direct memory is copied to an array only for a caller that needs
 * one.
 *
 * <p>{@link #release} lets the next request reuse the memory, so it must follow the last read and
 * the last send. Used by one thread at a time.
 */
public final class Payload {
  private final int length;
  private byte @Nullable [] bytes;
  private @Nullable Memory memory;
  private @Nullable Runnable charge; // the memory budget's, of an array
  private @Nullable Upload upload;

  private Payload(byte[] bytes, @Nullable Runnable charge) {
    this.bytes = bytes;
    this.charge = charge;
    length = bytes.length;
  }

  private Payload(Upload upload) {
    this.upload = upload;
    long known = upload.length();
    length = known < 0 ? Integer.MAX_VALUE : (int) Math.min(known, Integer.MAX_VALUE);
  }

  private Payload(Memory memory, int length) {
    this.memory = memory;
    this.length = length;
  }

  /**
   * Memory outside of the heap.
   *
   * @param buffer the body is between its position and its limit; before it is room
   * @param arrays of at least as many bytes as the body has
   * @param onRelease gives the memory back
   */
  private record Memory(ByteBuffer buffer, SpareBuffers arrays, Runnable onRelease) {}

  /** A body in an array that must not change. */
  public static Payload of(byte[] bytes) {
    return new Payload(bytes, null);
  }

  /**
   * A body in an array that must not change.
   *
   * @param onRelease runs once, at the first {@link #release}
   */
  public static Payload of(byte[] bytes, Runnable onRelease) {
    return new Payload(bytes, onRelease);
  }

  /**
   * A body in direct memory.
   *
   * @param buffer the body is between its position and its limit
   * @param arrays spare heap buffers of at least the same size
   * @param onRelease gives the buffer back
   */
  public static Payload in(ByteBuffer buffer, SpareBuffers arrays, Runnable onRelease) {
    return new Payload(new Memory(buffer, arrays, onRelease), buffer.remaining());
  }

  /** A body that was not read: only {@link #upload} has its bytes. */
  public static Payload passing(Upload upload) {
    return new Payload(upload);
  }

  /** The body, if it passes while it arrives; else null. */
  public @Nullable Upload upload() {
    return upload;
  }

  /** Whether it is gone, so that no further attempt can send it. */
  public boolean isSpent() {
    return upload != null && upload.isSpent();
  }

  /** Bytes of the body; the greatest int for an upload of unknown or greater length. */
  public int length() {
    return length;
  }

  /** Reads bytes that are valid during the call only. */
  public interface Reader<T> {
    /**
     * @param bytes may be longer than the body
     * @param length of the body
     */
    T read(byte[] bytes, int length);
  }

  /** Passes the bytes to a reader that must not keep them. */
  public <T> T withBytes(Reader<T> reader) {
    Memory direct = memory;
    if (bytes != null || direct == null) {
      return reader.read(bytes(), length);
    }
    ByteBuffer lent = direct.arrays.take(); // a recently used one, still in the processor's caches
    try {
      byte[] copy = lent.array();
      direct.buffer.get(direct.buffer.position(), copy, lent.arrayOffset(), length); // offset 0
      return reader.read(copy, length);
    } finally {
      direct.arrays.giveBack(lent);
    }
  }

  /** The bytes. The caller may keep them but not change them. */
  public byte[] bytes() {
    byte[] known = bytes;
    if (known == null) {
      Memory direct = memory;
      if (direct == null) {
        throw new IllegalStateException("the body was released");
      }
      known = new byte[length];
      direct.buffer.get(direct.buffer.position(), known);
      bytes = known;
    }
    return known;
  }

  /** A view of the direct memory; null if the body is an array. */
  public @Nullable ByteBuffer directBuffer() {
    Memory direct = memory;
    return direct == null ? null : direct.buffer.duplicate();
  }

  /** The CRC-32C of the body; 0 if it passes while it arrives. */
  public int checksum() {
    CRC32C sum = new CRC32C();
    Memory direct = memory;
    if (direct != null) {
      sum.update(direct.buffer.duplicate());
    } else if (upload == null) {
      sum.update(bytes(), 0, length);
    }
    return (int) sum.getValue();
  }

  /** Ends the use of the body. Only {@link #length} may be called afterwards. */
  public void release() {
    Memory direct = memory;
    memory = null;
    bytes = null;
    if (upload != null) {
      upload.release();
    }
    if (direct != null) {
      direct.onRelease.run();
    }
    Runnable charged = charge;
    charge = null;
    if (charged != null) {
      charged.run();
    }
  }
}
