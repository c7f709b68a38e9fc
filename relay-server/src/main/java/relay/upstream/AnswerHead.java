package relay.upstream;

import java.util.List;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;

/**
 * What is wrong with the head of an answer that OkHttp takes, though where the body ends is not
 * sure, or it is no answer at all. Passed on, it might give a client a part of another's answer.
 */
final class AnswerHead {
  /** Providers send some thirty. */
  static final int MAX_LINES = 100;

  private static final int MAX_LENGTH_DIGITS = 18;

  private AnswerHead() {}

  /** Null if nothing is. */
  static @Nullable String wrong(Response response) {
    if (response.code() < 200) {
      return "the status " + response.code();
    }
    if (response.headers().size() > MAX_LINES) {
      return "more than " + MAX_LINES + " header lines";
    }
    List<String> lengths = response.headers("content-length");
    for (String length : lengths) {
      if (!length.equals(lengths.getFirst()) || !isLength(length)) {
        return "an unclear content-length";
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
