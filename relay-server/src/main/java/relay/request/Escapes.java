package relay.request;

import static java.nio.charset.StandardCharsets.UTF_8;

/** Decodes JSON strings. Used only for short ones. */
final class Escapes {

  private Escapes() {}

  /** Decodes the content of a string, without quotes, that {@link JsonText#string} accepted. */
  static String decode(JsonText text, int start, int end, boolean escaped) {
    if (!escaped) {
      return new String(text.bytes, start, end - start, UTF_8);
    }
    StringBuilder out = new StringBuilder(end - start);
    int plain = start;
    for (int p = start; p < end; ) {
      if (text.bytes[p] != '\\') {
        p++;
        continue;
      }
      out.append(new String(text.bytes, plain, p - plain, UTF_8));
      int c = text.bytes[p + 1];
      if (c == 'u') {
        out.append((char) text.unit(p));
        p += 6;
      } else {
        out.append(decoded(c));
        p += 2;
      }
      plain = p;
    }
    return out.append(new String(text.bytes, plain, end - plain, UTF_8)).toString();
  }

  private static char decoded(int c) {
    return switch (c) {
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      default -> (char) c;
    };
  }

  /** Whether a text has neither control characters nor lone surrogates. */
  static boolean isPrintable(String name) {
    int c;
    for (int n = 0; n < name.length(); n += Character.charCount(c)) {
      c = name.codePointAt(n);
      if (Character.isISOControl(c)
          || (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
        return false;
      }
    }
    return true;
  }
}
