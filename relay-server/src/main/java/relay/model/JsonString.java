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
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"', '\\' -> out.append('\\').append(c);
        case '\n' -> out.append("\\n");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < ' ') {
            out.append("\\u").append(HexFormat.of().toHexDigits(c));
          } else {
            out.append(c);
          }
        }
      }
    }
    return out.append('"');
  }
}
