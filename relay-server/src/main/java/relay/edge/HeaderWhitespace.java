package relay.edge;

import java.nio.ByteBuffer;

/**
 * Carries spaces and tabs inside a header's value through Undertow, whose parser merges them into
 * one space. All but a first space are encoded as bytes that never occur in UTF-8. If a client
 * sends such a byte itself, it becomes another invalid one, and the request is refused.
 */
final class HeaderWhitespace {
  private static final byte SPACE = (byte) 0xff;
  private static final byte TAB = (byte) 0xfe;

  /** Replaces a client's byte that has a meaning here. */
  static final byte NO_MARK = (byte) 0xfd;

  private HeaderWhitespace() {}

  /** Whether a client's byte would be decoded as whitespace. */
  static boolean isMark(byte b) {
    return b == SPACE || b == TAB;
  }

  /** Encodes whitespace in a row inside a value. */
  static void keep(ByteBuffer bytes, int from, int to) {
    for (int n = from; n < to; n++) {
      if (bytes.get(n) == '\t') {
        bytes.put(n, TAB);
      } else if (n > from) {
        bytes.put(n, SPACE);
      }
    }
  }

  /** Decodes a value from Undertow, one character per byte. */
  static String restored(String value) {
    return value.replace('\u00ff', ' ').replace('\u00fe', '\t');
  }
}
