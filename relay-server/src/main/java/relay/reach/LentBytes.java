package relay.reach;

import okio.Buffer;
import okio.Segment;
import org.jspecify.annotations.Nullable;

/**
 * Puts a byte array into an Okio buffer without copying. Okio's own methods copy into 8 KiB
 * segments. The segment here is marked shared and not owned, so Okio only reads it and never
 * recycles it.
 */
public final class LentBytes {
  private static final @Nullable Boolean WORKS =
      Parts.find(
          "lent_bytes", "a body takes more processor time", () -> tried(new byte[8], new Buffer()));

  private LentBytes() {}

  /** The parts of Okio are linked when they are first used. */
  private static Boolean tried(byte[] bytes, Buffer buffer) throws ReflectiveOperationException {
    put(bytes, bytes.length, buffer);
    byte[] read = new byte[bytes.length];
    if (buffer.read(read) != bytes.length || buffer.size() != 0) {
      throw new NoSuchFieldException("a segment that is lent is not read");
    }
    return true;
  }

  /** Whether an array itself can stand in a buffer. */
  public static boolean isPossible() {
    return WORKS != null;
  }

  /**
   * A buffer of these bytes. They must not change until they are read.
   *
   * @param length the number of bytes to lend
   */
  public static Buffer of(byte[] bytes, int length) {
    Buffer buffer = new Buffer();
    if (WORKS == null) {
      return buffer.write(bytes, 0, length);
    }
    put(bytes, length, buffer);
    return buffer;
  }

  private static void put(byte[] bytes, int length, Buffer empty) {
    Segment all = new Segment(bytes, 0, length, true, false);
    all.next = all;
    all.prev = all;
    empty.head = all;
    empty.setSize$okio(length);
  }
}
