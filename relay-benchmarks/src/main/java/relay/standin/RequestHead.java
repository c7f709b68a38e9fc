package relay.standin;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a request that the stand-in reads: its length and the requested answer.
 *
 * @param headBytes the length of the head
 * @param bodyBytes the length of the body
 * @param events content events of the requested stream; negative = a JSON answer
 * @param intervalMillis the time between two events; 0 = back to back
 */
record RequestHead(int headBytes, int bodyBytes, int events, long intervalMillis) {
  private static final String END = "\r\n\r\n";
  private static final int MOST_HEAD_BYTES = 64 << 10;
  private static final int MOST_BODY_BYTES = 64 << 20;

  /** Parses the head at the start of the bytes; null if it is incomplete. */
  static @Nullable RequestHead read(ByteBuffer bytes) {
    String text = StandardCharsets.ISO_8859_1.decode(bytes).toString();
    int end = text.indexOf(END);
    if (end < 0) {
      if (text.length() > MOST_HEAD_BYTES) {
        throw new IllegalArgumentException("a request's head is too long");
      }
      return null;
    }
    String head = text.substring(0, end + 2).toLowerCase(Locale.ROOT);
    if (head.contains("\r\ntransfer-encoding:")) {
      throw new IllegalArgumentException("a request in chunks");
    }
    long body = number(head, "content-length", 0);
    if (body > MOST_BODY_BYTES) {
      throw new IllegalArgumentException("a request's body is too long");
    }
    return new RequestHead(
        end + END.length(),
        (int) body,
        (int) number(head, StandIn.EVENTS, -1),
        number(head, StandIn.INTERVAL, 0));
  }

  private static long number(String head, String name, long absent) {
    String before = "\r\n" + name + ":";
    int at = head.indexOf(before);
    if (at < 0) {
      return absent;
    }
    int from = at + before.length();
    return Long.parseLong(head.substring(from, head.indexOf('\r', from)).trim());
  }
}
