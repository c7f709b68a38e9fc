package relay.request;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Marks the bytes that the reader of a string must inspect: quotes, control characters, uncommon
 * escapes, invalid UTF-8. Works on one part of the body at a time. All other bytes are skipped, so
 * the cost per byte does not depend on the text's language or its line breaks and quotes.
 *
 * <p>Each loop does the same branch-free arithmetic on every eight bytes, so that the JIT compiler
 * vectorizes it. The JIT does so only for small loop bodies of about thirty operations, so there
 * are several loops. They must read longs through a byte view and write to another array. {@link
 * #passEscapes} inlines its comparisons by hand: with method calls it is not vectorized and runs
 * eight times slower. The high bit of each byte holds the condition; bytes do not carry into each
 * other.
 *
 * <p>The marks are wrong in one case: a byte after an escaped backslash is treated as an escape.
 * The second backslash is always marked, and the reader then inspects the next byte itself.
 */
final class StringMarks {
  /**
   * The part size in words of eight bytes: large enough that the non-vectorized loop ends cost
   * little.
   */
  private static final int MOST_WORDS = 256;

  /** UTF-8 checks read the three preceding bytes, so the first word has no marks. */
  private static final int FIRST = 8;

  /** Above one inspected byte in this many, skipping the common escapes pays off. */
  private static final int DENSE = 128;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long ONES = 0x0101010101010101L;
  private static final long HIGH = ONES << 7;
  private static final long LOW = ~HIGH;

  private final byte[] bytes;
  private final int end;

  /**
   * Per byte: the highest bit marks a byte to inspect; the lowest marks a backslash, for {@link
   * #passed}.
   */
  private final long[] marks;

  private int start; // start of the marked part
  private int marked; // end of the marked part
  private int met; // in the marked part: inspected bytes plus skipped escapes
  private int passed;

  StringMarks(byte[] bytes, int end) {
    this.bytes = bytes;
    this.end = end;
    this.marks = new long[Math.min(MOST_WORDS, end / 16)];
  }

  /**
   * The first byte to inspect, at or after {@code from}. Returns {@code from} itself where there
   * are no marks, at both ends of the body.
   */
  int next(int from) {
    int p = from;
    passed = 0;
    while (p < marked || mark(p)) {
      p = find(p);
      if (p < marked) {
        break;
      }
    }
    met++;
    return p;
  }

  /** The number of two-byte escapes that the last {@link #next} skipped. */
  int passed() {
    return passed;
  }

  private int find(int from) {
    long[] m = marks;
    int n = (marked - start) >>> 3;
    int k = (from - start) >>> 3;
    int backslashes = 0;
    long w = m[k] & (-1L << (from << 3));
    if ((w & HIGH) == 0) {
      backslashes = Long.bitCount(w);
      for (k++; k < n - 3; k += 4) {
        long w0 = m[k];
        long w1 = m[k + 1];
        long w2 = m[k + 2];
        long w3 = m[k + 3];
        if (((w0 | w1 | w2 | w3) & HIGH) != 0) {
          break;
        }
        backslashes += Long.bitCount(w0 | (w1 << 1) | (w2 << 2) | (w3 << 3));
      }
      for (w = 0; k < n && ((w = m[k]) & HIGH) == 0; k++) {
        backslashes += Long.bitCount(w);
      }
    }
    int found = start + (k << 3);
    if (k < n) {
      int shift = Long.numberOfTrailingZeros(w & HIGH) & -8;
      backslashes += Long.bitCount(w & ((1L << shift) - 1));
      found += shift >>> 3;
    }
    passed += backslashes;
    met += backslashes;
    return found;
  }

  /** Marks the part that starts at the word of {@code p}; false if no whole word is left. */
  private boolean mark(int p) {
    if (p < FIRST || p + 8 > end) {
      return false;
    }
    boolean dense = met * DENSE > marked - start;
    met = 0;
    start = p & -8;
    int words = Math.min(marks.length, (end - start) >>> 3);
    marked = start + (words << 3);
    byte before = bytes[start - 1];
    long foreign;
    // A backslash at the end of the previous part was skipped, so this part must handle its escape.
    if (dense || before == '\\') {
      foreign = tellBackslashes(bytes, start, marks, words);
      passEscapes(bytes, start, marks, words);
    } else {
      foreign = special(bytes, start, marks, words);
    }
    if (foreign != 0 || before < 0) {
      checkSequences(bytes, start, marks, words);
      checkRanges(bytes, start, marks, words);
    }
    return true;
  }

  /**
   * Marks quotes, backslashes and control characters. Returns non-zero if any byte is not ASCII.
   */
  private static long special(byte[] b, int start, long[] marks, int words) {
    long all = 0;
    for (int i = 0; i < words; i++) {
      long w = (long) LONGS.get(b, start + 8 * i);
      long low = w & LOW;
      marks[i] = ~((isNotQuoteOrControl(low) & isNot(low, '\\')) | w) & HIGH;
      all |= w;
    }
    return all & HIGH;
  }

  /** As {@link #special}, but gives backslashes their own mark. */
  private static long tellBackslashes(byte[] b, int start, long[] marks, int words) {
    long all = 0;
    for (int i = 0; i < words; i++) {
      long w = (long) LONGS.get(b, start + 8 * i);
      long low = w & LOW;
      marks[i] =
          (~(isNotQuoteOrControl(low) | w) & HIGH) | ((~(isNot(low, '\\') | w) >>> 7) & ONES);
      all |= w;
    }
    return all & HIGH;
  }

  /** After a backslash, unmarks common escapes and marks all other bytes. */
  private static void passEscapes(byte[] b, int start, long[] marks, int words) {
    for (int i = 0; i < words; i++) {
      long w = (long) LONGS.get(b, start + 8 * i);
      long v = (long) LONGS.get(b, start + 8 * i - 1);
      long low = w & LOW;
      long isFirst = (((v & LOW) ^ (ONES * '\\')) + LOW) | v;
      long isOdd =
          (((low ^ (ONES * 'n')) + LOW)
                  & ((low ^ (ONES * '"')) + LOW)
                  & ((low ^ (ONES * 't')) + LOW)
                  & ((low ^ (ONES * 'r')) + LOW))
              | w;
      long m = marks[i];
      marks[i] = (((m & isFirst) | (isOdd & ~isFirst)) & HIGH) | (m & ONES);
    }
  }

  /**
   * Marks bytes that are continuation bytes but should not be, or the reverse. The three preceding
   * bytes decide.
   */
  private static void checkSequences(byte[] b, int start, long[] marks, int words) {
    for (int i = 0; i < words; i++) {
      long w = (long) LONGS.get(b, start + 8 * i);
      long v = (long) LONGS.get(b, start + 8 * i - 1);
      long u = (long) LONGS.get(b, start + 8 * i - 2);
      long t = (long) LONGS.get(b, start + 8 * i - 3);
      long wanted =
          (v & (v << 1)) | (u & (u << 1) & (u << 2)) | (t & (t << 1) & (t << 2) & (t << 3));
      marks[i] |= ((w & ~(w << 1)) ^ wanted) & HIGH;
    }
  }

  /**
   * Marks overlong forms, surrogates, and every lead byte of four or more bytes. The latter are
   * rare.
   */
  private static void checkRanges(byte[] b, int start, long[] marks, int words) {
    for (int i = 0; i < words; i++) {
      long w = (long) LONGS.get(b, start + 8 * i);
      long v = (long) LONGS.get(b, start + 8 * i - 1);
      long bit5 = w << 2;
      long wrong = (is(v, 0xe0) & ~bit5) | (is(v, 0xed) & bit5) | is(w & ~ONES, 0xc0);
      marks[i] |= (wrong | (w & (w << 1) & bit5 & (w << 3))) & HIGH;
    }
  }

  /**
   * For bytes below 128. A quote with bit 1 flipped is a space, the first character after the
   * controls.
   */
  private static long isNotQuoteOrControl(long low) {
    return (low ^ (ONES << 1)) + ONES * (0x80 - '!');
  }

  /** For bytes below 128. */
  private static long isNot(long low, char c) {
    return (low ^ (ONES * c)) + LOW;
  }

  private static long is(long w, int value) {
    long differs = w ^ (ONES * value);
    return ~(((differs & LOW) + LOW) | differs);
  }
}
