package relay.load;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Keeps the answer to an acquire, and finds the lease's id in it. */
final class GrantedId implements BodyPart {
  private static final String BEFORE = "{\"lease\":\"";

  private byte[] text = new byte[2 << 10];
  private int length;

  @Override
  public void see(byte[] bytes, int from, int to) {
    int more = to - from;
    if (length + more > text.length) {
      text = Arrays.copyOf(text, 2 * (length + more));
    }
    System.arraycopy(bytes, from, text, length, more);
    length += more;
  }

  /** The id in what has come since the last call; empty if there is none. */
  String take() {
    String all = new String(text, 0, length, StandardCharsets.US_ASCII);
    length = 0;
    int end = all.startsWith(BEFORE) ? all.indexOf('"', BEFORE.length()) : -1;
    return end < 0 ? "" : all.substring(BEFORE.length(), end);
  }
}
