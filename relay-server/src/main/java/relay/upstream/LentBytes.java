package relay.upstream;

import okio.Buffer;
import okio.Segment;

/**
 * Puts a byte array into an Okio buffer without copying. Okio's own methods copy into 8 KiB
 * segments. The segment here is marked shared and not owned, so Okio only reads it and never
 * recycles it.
 */
final class LentBytes {
  private LentBytes() {}

  /**
   * Fills an empty buffer. The bytes must not change until they are read.
   *
   * @param length the number of bytes to lend
   */
  static void lend(byte[] bytes, int length, Buffer empty) {
    Segment all = new Segment(bytes, 0, length, true, false);
    all.next = all;
    all.prev = all;
    empty.head = all;
    empty.setSize$okio(length);
  }
}
