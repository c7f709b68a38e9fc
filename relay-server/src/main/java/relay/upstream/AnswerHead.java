package relay.upstream;

import java.util.List;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;

/**
 * Rejects response heads that OkHttp accepts although the body's end is ambiguous or the status is
 * invalid. Forwarding such a response could leak part of another client's answer.
 */
final class AnswerHead {
  /** Providers send about thirty. */
  static final int MAX_LINES = 100;

  private static final int MAX_LENGTH_DIGITS = 18;
  private static final int FIRST_FINAL = 200;

  /** RFC 9110, section 15: any other is invalid, and no client has to understand it. */
  private static final int LAST_STATUS = 599;

  private AnswerHead() {}

  /** The fault in a response's head; null if it is valid. */
  static @Nullable String wrong(Response response) {
    if (response.code() < FIRST_FINAL || response.code() > LAST_STATUS) {
      return "the status " + response.code();
    }
    if (response.headers().size() > MAX_LINES) {
      return "more than " + MAX_LINES + " header lines";
    }
    List<String> lengths = response.headers("content-length");
    for (String length : lengths) {
      if (!length.equals(lengths.getFirst()) || !isLength(length)) {
        return "an ambiguous content-length";
      }
    }
    List<String> encodings = response.headers("transfer-encoding");
    return encodings.isEmpty()
            || (encodings.size() == 1 && encodings.getFirst().equalsIgnoreCase("chunked"))
        ? null
        : "a transfer-encoding that is not chunked";
  }

  private static boolean isLength(String text) {
    for (int n = 0; n < text.length(); n++) {
      if (text.charAt(n) < '0' || text.charAt(n) > '9') {
        return false;
      }
    }
    return !text.isEmpty() && text.length() <= MAX_LENGTH_DIGITS;
  }
}
