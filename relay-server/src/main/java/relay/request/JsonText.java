package relay.request;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * A tokenizer for RFC 8259 over bytes. Each method takes a token's start position and returns the
 * position after it, or {@link #FAILED} after {@link #fail} has recorded the reason.
 *
 * <p>Strings make up most of a body, so they are not read byte by byte: {@link StringMarks} finds
 * the bytes of a long string that need inspection.
 */
final class JsonText {
  static final int FAILED = -1;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long ONES = 0x0101010101010101L;
  private static final long HIGH_BITS = 0x8080808080808080L;
  private static final long TWOS = ONES * 2;
  private static final long BACKSLASHES = ONES * '\\';
  private static final long SPACES = ONES * ' ';

  /** Strings up to this length are read eight bytes per step; longer ones use marks. */
  private static final int SHORT_BYTES = 72;

  private static final boolean[] SIMPLE_ESCAPES = new boolean[256];

  static {
    "\"\\/bfnrt".chars().forEach(c -> SIMPLE_ESCAPES[c] = true);
  }

  final byte[] bytes;
  final int end;
  private final StringMarks marks;

  /** The last string's decoded length in UTF-8 bytes, and whether it has escapes. */
  int decodedLength;

  boolean escaped;

  int failedAt;
  @Nullable String failure;

  JsonText(byte[] bytes, int end) {
    this.bytes = bytes;
    this.end = end;
    this.marks = new StringMarks(bytes, end);
  }

  /** Records only the first failure: later ones follow from it. */
  int fail(int at, String what) {
    if (failure == null) {
      failedAt = at;
      failure = what;
    }
    return FAILED;
  }

  /** The byte at a position, or -1 past the end. No grammar rule accepts -1. */
  int at(int p) {
    return p < end ? bytes[p] & 0xff : -1;
  }

  int afterSpace(int from) {
    int p = from;
    while (p < end) {
      int b = bytes[p];
      if (b > ' ' || (b != ' ' && b != '\n' && b != '\r' && b != '\t')) {
        break;
      }
      p++;
    }
    return p;
  }

  /** Reads a string; its opening quote is just before {@code from}. */
  int string(int from) {
    byte[] b = bytes;
    int p = shortAscii(from);
    int saved = 0; // encoded length minus decoded length, in bytes
    while (p >= end || b[p] != '"') {
      int look = marks.next(p);
      saved += marks.passed();
      if (look > p && b[look - 1] == '\\') {
        look--; // re-read this escape here, and undo its count
        saved--;
      } else if (look > p && b[look - 1] < 0) {
        look = characterBefore(look);
      }
      p = look;
      do {
        if (p >= end) {
          return fail(end, "a string does not end");
        }
        if (b[p] == '"') {
          break;
        }
        int next = character(p);
        if (next < 0) {
          return FAILED;
        }
        if (b[p] == '\\') {
          saved += next - p - (b[p + 1] == 'u' ? decodedEscape(p) : 1);
        }
        p = next;
      } while (b[p - 1]
          == '\\'); // the mark after an escaped backslash is wrong: read that byte here
    }
    escaped = saved > 0;
    decodedLength = p - from - saved;
    return p + 1;
  }

  /**
   * Skips plain ASCII: most strings are names and short words. Returns the first quote, backslash,
   * control character or non-ASCII byte, or an earlier position.
   */
  private int shortAscii(int from) {
    byte[] b = bytes;
    int p = from;
    for (int last = Math.min(from + SHORT_BYTES, end) - 8; p <= last; p += 8) {
      long w = (long) LONGS.get(b, p);
      // A byte that borrows sets its high bit. A borrow only corrupts bytes after a true hit.
      // A quote with bit 1 flipped is a space, so one comparison finds quotes and control
      // characters.
      long hits = (w | ((w ^ TWOS) - SPACES - ONES) | ((w ^ BACKSLASHES) - ONES)) & HIGH_BITS;
      if (hits != 0) {
        return p + (Long.numberOfTrailingZeros(hits) >>> 3);
      }
    }
    return p;
  }

  /** The start of the multi-byte character before {@code p}, or {@code p} if there is none. */
  private int characterBefore(int p) {
    int start = p - 1;
    while (p - start < 3 && (bytes[start] & 0xc0) == 0x80) {
      start--;
    }
    return (bytes[start] & 0xc0) == 0xc0 ? start : p;
  }

  /** Reads one character or escape other than a quote. */
  private int character(int p) {
    int c = bytes[p];
    if (c == '\\') {
      return isSimple(at(p + 1)) ? p + 2 : escape(p);
    }
    if (c < 0) {
      return multiByte(p);
    }
    return c < ' ' ? fail(p, "a control character in a string must be escaped") : p + 1;
  }

  /** A table lookup: comparisons would cause branch mispredictions. */
  private static boolean isSimple(int c) {
    return c >= 0 && SIMPLE_ESCAPES[c];
  }

  /** Reads a {@code \}{@code u} escape; all others are invalid here. */
  private int escape(int p) {
    if (at(p + 1) != 'u') {
      return fail(p, "a backslash must start a valid escape");
    }
    for (int i = p + 2; i < p + 6; i++) {
      if (!hexDigit(at(i))) {
        return fail(i, "\\u needs four hexadecimal digits");
      }
    }
    return p + 6;
  }

  private static boolean hexDigit(int c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
  }

  /**
   * UTF-8 bytes of a valid {@code \}{@code u}; each surrogate counts 2, so a pair counts its 4
   * bytes.
   */
  private int decodedEscape(int p) {
    int unit = unit(p);
    if (unit < 0x80) {
      return 1;
    }
    return unit < 0x800 || Character.isSurrogate((char) unit) ? 2 : 3;
  }

  /** The UTF-16 unit of a valid {@code \}{@code uXXXX} with its backslash at {@code p}. */
  int unit(int p) {
    int unit = 0;
    for (int i = p + 2; i < p + 6; i++) {
      unit = unit << 4 | Character.digit(bytes[i], 16);
    }
    return unit;
  }

  /** Reads one character of two to four bytes by RFC 3629: shortest form, no surrogates. */
  private int multiByte(int p) {
    int first = bytes[p] & 0xff;
    int second = at(p + 1);
    int length;
    boolean valid;
    if (first < 0xe0) {
      length = 2;
      valid = first >= 0xc2 && trail(second);
    } else if (first < 0xf0) {
      length = 3;
      int low = first == 0xe0 ? 0xa0 : 0x80;
      int high = first == 0xed ? 0x9f : 0xbf;
      valid = second >= low && second <= high && trail(at(p + 2));
    } else {
      length = 4;
      int low = first == 0xf0 ? 0x90 : 0x80;
      int high = first == 0xf4 ? 0x8f : 0xbf;
      valid =
          first <= 0xf4 && second >= low && second <= high && trail(at(p + 2)) && trail(at(p + 3));
    }
    return valid ? p + length : fail(p, "a string is not valid UTF-8");
  }

  private static boolean trail(int b) {
    return (b & 0xc0) == 0x80 && b >= 0;
  }

  int number(int from) {
    int p = at(from) == '-' ? from + 1 : from;
    if (at(p) == '0') {
      p++;
    } else {
      p = digits(p);
    }
    if (p > 0 && at(p) == '.') {
      p = digits(p + 1);
    }
    if (p > 0 && (at(p) | 0x20) == 'e' && at(p) > 0) {
      p++;
      p = digits(at(p) == '+' || at(p) == '-' ? p + 1 : p);
    }
    return p;
  }

  private int digits(int from) {
    int p = from;
    while (p < end && bytes[p] >= '0' && bytes[p] <= '9') {
      p++;
    }
    return p > from ? p : fail(p, "a number needs a digit here");
  }

  int literal(int from, String word) {
    for (int i = 0; i < word.length(); i++) {
      if (at(from + i) != word.charAt(i)) {
        return fail(from, "expected a value");
      }
    }
    return from + word.length();
  }

  /**
   * Compares from {@code start}; lower-case letters of {@code wanted} match either case, because
   * URL schemes ignore case.
   */
  boolean startsWith(int start, String wanted) {
    for (int i = 0; i < wanted.length(); i++) {
      int c = at(start + i);
      if (c != wanted.charAt(i) && (c | 0x20) != wanted.charAt(i)) {
        return false;
      }
    }
    return true;
  }
}
