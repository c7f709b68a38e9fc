package relay.request;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds member names that equal one of Relay's but for case. Providers written in Go read such a
 * member as the other one: encoding/json compares names by Unicode's simple case folding. So a name
 * in other letters would pass what Relay checks and counts.
 */
final class NearName {
  /** The names that decide what a request may use, and what it costs. */
  private static final List<Name> GUARDED =
      List.of(
          Name.MODEL,
          Name.STREAM,
          Name.STREAM_OPTIONS,
          Name.MAX_TOKENS,
          Name.MAX_COMPLETION_TOKENS,
          Name.MAX_OUTPUT_TOKENS,
          Name.SPEED,
          Name.SERVICE_TIER);

  /** In bytes of UTF-8: a long s has two, a Kelvin sign three. */
  private static final int LONGEST = Name.LONGEST + 3;

  private NearName() {}

  /** The guarded name that a name, which is none of them, equals but for case; null if none. */
  static @Nullable Name of(JsonText text, int start, int end) {
    if (!text.escaped) {
      return of(text.bytes, start, end);
    }
    if (text.decodedLength > LONGEST) {
      return null;
    }
    byte[] decoded = Escapes.decode(text, start, end, true).getBytes(UTF_8);
    return of(decoded, 0, decoded.length);
  }

  private static @Nullable Name of(byte[] bytes, int start, int end) {
    for (Name guarded : GUARDED) {
      if (isNear(guarded.text, bytes, start, end)) {
        return guarded;
      }
    }
    return null;
  }

  private static boolean isNear(String wanted, byte[] bytes, int start, int end) {
    int p = start;
    for (int n = 0; n < wanted.length(); n++) {
      int length = foldedLength(wanted.charAt(n), bytes, p, end);
      if (length == 0) {
        return false;
      }
      p += length;
    }
    return p == end;
  }

  /** The length of what folds to a letter; 0 if something else is there. */
  private static int foldedLength(char letter, byte[] bytes, int p, int end) {
    if (p < end && (bytes[p] == letter || (letter != '_' && (bytes[p] | 0x20) == letter))) {
      return 1;
    }
    if (letter == 's' && end - p >= 2 && bytes[p] == (byte) 0xc5 && bytes[p + 1] == (byte) 0xbf) {
      return 2; // U+017F, the long s
    }
    boolean isKelvin =
        letter == 'k'
            && end - p >= 3
            && bytes[p] == (byte) 0xe2
            && bytes[p + 1] == (byte) 0x84
            && bytes[p + 2] == (byte) 0xaa; // U+212A
    return isKelvin ? 3 : 0;
  }
}
