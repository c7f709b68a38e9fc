package relay.stream;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.Arrays;

/**
 * Whether any of a few words of equal length occurs in a run of bytes (Horspool's search, for
 * several words at once). It says "may matter" cheaply, a tokenizer then says whether it does.
 */
final class Needles {
  private final int length;
  private final byte[][] words;

  /** By the byte under a window's end: how far the window may move; 0 is a possible hit. */
  private final byte[] shifts = new byte[256];

  Needles(String... words) {
    this.length = words[0].length();
    this.words = new byte[words.length][];
    Arrays.fill(shifts, (byte) length);
    for (int i = 0; i < words.length; i++) {
      byte[] word = words[i].getBytes(ISO_8859_1);
      if (word.length != length) {
        throw new IllegalArgumentException("words differ in length");
      }
      this.words[i] = word;
      for (int at = 0; at < length; at++) {
        byte shift = (byte) (length - 1 - at);
        shifts[word[at]] = (byte) Math.min(shifts[word[at]], shift);
      }
    }
  }

  boolean in(byte[] buf, int from, int end) {
    byte[] table = shifts;
    for (int p = from + length - 1; p < end; ) {
      int shift = table[buf[p] & 0xff];
      if (shift == 0) {
        if (wordEndsAt(buf, p)) {
          return true;
        }
        shift = 1;
      }
      p += shift;
    }
    return false;
  }

  private boolean wordEndsAt(byte[] buf, int last) {
    int start = last - length + 1;
    for (byte[] word : words) {
      if (Arrays.equals(word, 0, length, buf, start, last + 1)) {
        return true;
      }
    }
    return false;
  }
}
