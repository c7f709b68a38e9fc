package relay.edge;

import java.nio.ByteBuffer;

/**
 * Spaces and tabs inside a header's value on their way through Undertow, whose parser makes one
 * space of any number of them. All but a first space are shown to it as bytes that it leaves alone
 * and that no text in UTF-8 has: a client's own are made into another of that kind, for which its
 * request is refused.
 */
final class HeaderWhitespace {
  private static final byte SPACE = (byte) 0xff;
  private static final byte TAB = (byte) 0xfe;

  /** What a client's byte becomes that means something here. */
  static final byte NO_MARK = (byte) 0xfd;

  private HeaderWhitespace() {}

  /** Whether a byte of a client's would be taken for a blank. */
  static boolean isMark(byte b) {
    return b == SPACE || b == TAB;
  }

  /** HeaderWhitespace that are inside a value, all in a row. */
  static void keep(ByteBuffer bytes, int from, int to) {
    for (int n = from; n < to; n++) {
      if (bytes.get(n) == '\t') {
        bytes.put(n, TAB);
      } else if (n > from) {
        bytes.put(n, SPACE);
      }
    }
  }

  /** A value from Undertow, which has a character for each byte, as the client sent it. */
  static String restored(String value) {
    return value.replace('\u00ff', ' ').replace('\u00fe', '\t');
  }
}
