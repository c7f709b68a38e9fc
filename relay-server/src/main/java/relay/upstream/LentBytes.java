package relay.upstream;

import okio.Buffer;
import okio.Segment;

/**
 * Puts bytes into a buffer of Okio's as they are. Its own calls copy them into segments of 8 KiB;
 * one that is shared and owned by nobody is only read, and does not go to its pool.
 */
final class LentBytes {
  private LentBytes() {}

  /**
   * Fills a buffer that is empty. Nobody may change the bytes before they were read.
   *
   * @param length of them, or of those that they stand for
   */
  static void lend(byte[] bytes, int length, Buffer empty) {
    Segment all = new Segment(bytes, 0, length, true, false);
    all.next = all;
    all.prev = all;
    empty.head = all;
    empty.setSize$okio(length);
  }
}
