package relay.upstream;

import java.util.List;
import okhttp3.Protocol;
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
  private static final int NO_CONTENT = 204;
  private static final int RESET_CONTENT = 205;
  private static final int NOT_MODIFIED = 304;

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
    if ((response.code() == NO_CONTENT || response.code() == RESET_CONTENT)
        && response.body().contentLength() > 0) {
      return "a body, which its status rules out";
    }
    List<String> encodings = response.headers("transfer-encoding");
    return encodings.isEmpty()
            || (encodings.size() == 1 && encodings.getFirst().equalsIgnoreCase("chunked"))
        ? null
        : "a transfer-encoding that is not chunked";
  }

  /**
   * Whether the connection ends with this answer over HTTP/1.1 or 1.0. OkHttp knows a single
   * `close` only. A request that follows would break, and cannot always be repeated.
   */
  static boolean isLast(Response response) {
    return hasOption(response, "close")
        || (response.protocol() == Protocol.HTTP_1_0 && !hasOption(response, "keep-alive"))
        || onlyDescribesBody(response)
        // RFC 9112, 6.3: two statements of the end; another reader may believe the other one
        || (response.header("transfer-encoding") != null
            && response.header("content-length") != null);
  }

  /** Whether the head states a body that does not follow (RFC 9112, 6.3). OkHttp waits for it. */
  static boolean onlyDescribesBody(Response response) {
    return response.code() == NOT_MODIFIED && response.body().contentLength() != 0;
  }

  private static boolean hasOption(Response response, String option) {
    for (String line : response.headers("connection")) {
      for (String each : line.split(",", -1)) {
        if (each.strip().equalsIgnoreCase(option)) {
          return true;
        }
      }
    }
    return false;
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
