package relay.upstream;

import okhttp3.HttpUrl;

/**
 * What the head of a request to a provider may have: RFC 9110, section 5, and RFC 9112, section 3.
 * OkHttp checks less: it lets any value pass that is not ASCII, colons in names, and any method. A
 * line break in any of them would be the end of a line to the provider.
 */
final class SentLines {
  private static final boolean[] OF_TOKENS = new boolean[128];

  static {
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        .chars()
        .forEach(c -> OF_TOKENS[c] = true);
  }

  private SentLines() {}

  /** Whether a text may be a method, or a header's name. */
  static boolean isToken(String text) {
    for (int n = 0; n < text.length(); n++) {
      char c = text.charAt(n);
      if (c >= OF_TOKENS.length || !OF_TOKENS[c]) {
        return false;
      }
    }
    return !text.isEmpty();
  }

  /** Whether a text, which is sent as UTF-8, may be a header's value. */
  static boolean isValue(String text) {
    for (int n = 0; n < text.length(); n++) {
      char c = text.charAt(n);
      if ((c < ' ' && c != '\t') || c == 0x7f) {
        return false;
      }
    }
    return true;
  }

  /** Whether path and query may be in a request line. */
  static boolean isTarget(HttpUrl url) {
    String query = url.encodedQuery();
    return isOfTarget(url.encodedPath()) && (query == null || isOfTarget(query));
  }

  /** Whether a text may be a part of a request line's target. */
  static boolean isOfTarget(String text) {
    for (int n = 0; n < text.length(); n++) {
      char c = text.charAt(n);
      if (c <= ' ' || c >= 0x7f || c == '#') {
        return false;
      }
    }
    return true;
  }
}
