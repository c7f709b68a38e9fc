package relay.request;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Marks, for a part of the body at a time, which bytes the reader of a string must look at: quotes,
 * control characters, escapes, bytes that are no UTF-8. All else it passes over, so text costs the
 * same in whatever language it is, and however many line breaks and quotes it has.
 *
 * <p>Each loop here is the same arithmetic for every eight bytes, without branches: the JVM's
 * compiler makes vector instructions of it. It does so only while a loop's body is small (some
 * thirty operations), which is why there are several loops, and only over longs, a view of the
 * bytes, to another array. With a call for each of its comparisons {@link #passEscapes} is no
 * longer made so, and eight times slower. A condition is a byte's high bit; bytes do not carry into
 * each other.
 *
 * <p>What is marked is wrong in one case only: behind a backslash that is itself escaped, an escape
 * is seen. The second backslash is always looked at, and whoever reads it reads on to the next
 * byte.
 */
final class StringMarks {
  /** Words of eight bytes: enough that the ends of a loop, which are not vectors, count little. */
  private static final int MOST_WORDS = 256;

  /** Sequences of UTF-8 are told by the three bytes before, so the first ones have no marks. */
  private static final int FIRST = 8;

  /** More than one byte of so many that is looked at: worth to tell the common escapes apart. */
  private static final int DENSE = 128;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long ONES = 0x0101010101010101L;
  private static final long HIGH = ONES << 7;
  private static final long LOW = ~HIGH;

  private final byte[] bytes;
  private final int end;

  /**
   * Of each byte the highest bit: to be looked at; the lowest: a backslash, for {@link #passed}.
   */
  private final long[] marks;

  private int start; // of the marked part
  private int marked; // its end
  private int met; // in it: bytes that were looked at, and escapes passed over
  private int passed;

  StringMarks(byte[] bytes, int end) {
    this.bytes = bytes;
    this.end = end;
    this.marks = new long[Math.min(MOST_WORDS, end / 16)];
  }

  /**
   * The first byte from {@code from} on to be looked at. Where there are no marks, at the body's
   * two ends, that is {@code from}.
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

  /** Escapes of two bytes that the last {@link #next} passed over. */
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

  /** Marks the part that begins with the word of {@code p}; false if there is no whole word. */
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
    // A backslash that ended the part before was passed over: this part must know of it
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

  /** Marks quotes, backslashes, control characters. Returns whether any byte is beyond ASCII. */
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

  /** As {@link #special}, but backslashes have a mark of their own. */
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

  /** Behind a backslash a common escape needs no look, and all else does. */
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

  /** A byte continues a character if and only if one of the three before says so. */
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
   * Marks forms that are too long, halves of surrogate pairs, and all that begins a character of
   * four bytes or more, which are few.
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

  /** Of bytes below 128. A quote with its bit 1 changed is a space, the first after controls. */
  private static long isNotQuoteOrControl(long low) {
    return (low ^ (ONES << 1)) + ONES * (0x80 - '!');
  }

  /** Of bytes below 128. */
  private static long isNot(long low, char c) {
    return (low ^ (ONES * c)) + LOW;
  }

  private static long is(long w, int value) {
    long differs = w ^ (ONES * value);
    return ~(((differs & LOW) + LOW) | differs);
  }
}
