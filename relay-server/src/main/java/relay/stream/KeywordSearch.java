package relay.stream;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.Arrays;

/**
 * Searches bytes for any of a few words of equal length (the Wu-Manber algorithm with two-byte
 * blocks). A cheap filter: only hits need the tokenizer.
 */
final class KeywordSearch {
  private static final int HASHES = 1024;

  private final int length;
  private final byte[][] words;

  /**
   * Indexed by the hash of the window's last two bytes: how far the window may move; 0 = possible
   * hit.
   */
  private final byte[] shifts = new byte[HASHES];

  KeywordSearch(String... words) {
    this.length = words[0].length();
    this.words = new byte[words.length][];
    Arrays.fill(shifts, (byte) (length - 1));
    for (int i = 0; i < words.length; i++) {
      byte[] word = words[i].getBytes(ISO_8859_1);
      if (word.length != length) {
        throw new IllegalArgumentException("words differ in length");
      }
      this.words[i] = word;
      for (int at = 1; at < length; at++) {
        int hash = hash(word[at - 1], word[at]);
        shifts[hash] = (byte) Math.min(shifts[hash], length - 1 - at);
      }
    }
  }

  private static int hash(byte first, byte second) {
    return ((first << 5) ^ second) & (HASHES - 1);
  }

  boolean in(byte[] buf, int from, int end) {
    byte[] table = shifts;
    for (int p = from + length - 1; p < end; ) {
      int shift = table[hash(buf[p - 1], buf[p])];
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
