package relay.stream;

import java.util.zip.DataFormatException;

/**
 * Reads how large a window a Zstandard frame asks for, before the library allocates it: RFC 8878,
 * section 3.1.1.1. The input may be split anywhere.
 */
final class ZstdFrameHeader {
  /** More is not allowed in HTTP: RFC 9659. */
  static final long MOST_WINDOW_BYTES = 8L << 20;

  private static final int MAGIC = 0xFD2FB528;
  private static final int SKIPPABLE = 0x184D2A50; // with any last four bits
  private static final int[] DICTIONARY_BYTES = {0, 1, 2, 4};
  private static final int[] SIZE_BYTES = {0, 2, 4, 8};

  private int magic;
  private int descriptor;
  private int read; // bytes
  private int length = 5; // bytes up to the end of the head, as far as it is known
  private int size; // first byte of the content's size in the head
  private long window;

  void reset() {
    magic = 0;
    read = 0;
    length = 5;
    window = 0;
  }

  boolean done() {
    return read == length;
  }

  /** Of a frame that is skipped: 0. */
  long windowBytes() {
    return window;
  }

  /** Reads one byte. Must not be called once done. */
  void accept(int b) throws DataFormatException {
    int at = read++;
    if (at < 4) {
      magic |= b << (8 * at);
      if (at == 3 && magic != MAGIC) {
        if ((magic & ~0xf) != SKIPPABLE) {
          throw new DataFormatException("not zstd");
        }
        length = 8;
      }
    } else if (magic == MAGIC) {
      head(at, b);
    }
    if (done() && (window < 0 || window > MOST_WINDOW_BYTES)) {
      throw new DataFormatException("too large a window");
    }
  }

  private void head(int at, int b) {
    if (at == 4) {
      descriptor = b;
      int sizeBytes = isSingle() && b >> 6 == 0 ? 1 : SIZE_BYTES[b >> 6];
      size = 5 + (isSingle() ? 0 : 1) + DICTIONARY_BYTES[b & 3];
      length = size + sizeBytes;
      window = isSingle() && sizeBytes == 2 ? 256 : 0;
    } else if (isSingle() && at >= size) {
      window += (long) b << (8 * (at - size)); // the content is the window
    } else if (!isSingle() && at == 5) {
      long base = 1L << (10 + (b >> 3));
      window = base + base / 8 * (b & 7);
    }
  }

  private boolean isSingle() {
    return (descriptor & 0x20) != 0;
  }
}
