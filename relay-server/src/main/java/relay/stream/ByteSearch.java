package relay.stream;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Searches for delimiter bytes, eight bytes per step. Nearly all bytes of a stream are none. */
final class ByteSearch {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long ONES = 0x0101010101010101L;
  private static final long HIGH_BITS = 0x8080808080808080L;
  private static final long LINE_FEEDS = ONES * '\n';
  private static final long RETURNS = ONES * '\r';
  private static final long QUOTES = ONES * '"';
  private static final long BACKSLASHES = ONES * '\\';
  private static final long SPACES = ONES * ' ';

  private ByteSearch() {}

  /** The first CR or LF, or {@code end}. */
  static int lineEnd(byte[] buf, int from, int end) {
    int p = from;
    for (int last = end - 8; p <= last; p += 8) {
      long w = (long) LONGS.get(buf, p);
      // The lowest set bit is exact: a borrow only corrupts bytes after a true hit.
      long hits = (zeros(w ^ LINE_FEEDS) | zeros(w ^ RETURNS)) & HIGH_BITS;
      if (hits != 0) {
        return p + (Long.numberOfTrailingZeros(hits) >>> 3);
      }
    }
    while (p < end && buf[p] != '\n' && buf[p] != '\r') {
      p++;
    }
    return p;
  }

  /** The first quote, backslash or control character of a JSON string, or {@code end}. */
  static int stringStop(byte[] buf, int from, int end) {
    int p = from;
    for (int last = end - 8; p <= last; p += 8) {
      long w = (long) LONGS.get(buf, p);
      long hits = (zeros(w ^ QUOTES) | zeros(w ^ BACKSLASHES) | ((w - SPACES) & ~w)) & HIGH_BITS;
      if (hits != 0) {
        return p + (Long.numberOfTrailingZeros(hits) >>> 3);
      }
    }
    while (p < end && buf[p] != '"' && buf[p] != '\\' && (buf[p] & 0xff) >= ' ') {
      p++;
    }
    return p;
  }

  private static long zeros(long w) {
    return (w - ONES) & ~w;
  }
}
