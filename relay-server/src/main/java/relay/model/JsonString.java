package relay.model;

import java.util.HexFormat;

/** Writes JSON strings. */
public final class JsonString {
  private JsonString() {}

  /** Quotes a text. Escapes all control characters, so that the result is a single line. */
  public static String quote(String text) {
    return quote(new StringBuilder(text.length() + 2), text).toString();
  }

  /** Appends what {@link #quote(String)} returns. */
  public static StringBuilder quote(StringBuilder out, String text) {
    out.append('"');
    int from = 0; // of what is copied as it is
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= ' ' && c != '"' && c != '\\') {
        continue;
      }
      out.append(text, from, i);
      from = i + 1;
      switch (c) {
        case '"', '\\' -> out.append('\\').append(c);
        case '\n' -> out.append("\\n");
        case '\t' -> out.append("\\t");
        default -> out.append("\\u").append(HexFormat.of().toHexDigits(c));
      }
    }
    return out.append(text, from, text.length()).append('"');
  }
}
