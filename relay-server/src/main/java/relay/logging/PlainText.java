package relay.logging;

import java.util.Locale;

/** Text that others chose, for lines that people read: it forges no line and no word of one. */
final class PlainText {
  private PlainText() {}

  /**
   * Appends a text. What a terminal would not show as a character is escaped: controls, line and
   * paragraph separators, marks of direction, characters without a width.
   *
   * @param allowed controls that pass
   */
  static void append(StringBuilder line, String text, String allowed) {
    for (int at = 0; at < text.length(); ) {
      int c = text.codePointAt(at);
      at += Character.charCount(c);
      if (shows(c) || allowed.indexOf(c) >= 0) {
        line.appendCodePoint(c);
      } else {
        escape(line, c);
      }
    }
  }

  /** Appends a name as one word: quoted, unless it is one already. */
  static void word(StringBuilder line, String name) {
    if (isWord(name)) {
      line.append(name);
      return;
    }
    line.append('"');
    for (int at = 0; at < name.length(); ) {
      int c = name.codePointAt(at);
      at += Character.charCount(c);
      if (c == '"' || c == '\\') {
        line.append('\\').appendCodePoint(c);
      } else if (shows(c) && (c == ' ' || !Character.isSpaceChar(c))) {
        line.appendCodePoint(c);
      } else {
        escape(line, c);
      }
    }
    line.append('"');
  }

  private static boolean isWord(String name) {
    for (int at = 0; at < name.length(); ) {
      int c = name.codePointAt(at);
      at += Character.charCount(c);
      if (!shows(c) || Character.isSpaceChar(c) || c == '"' || c == '\\') {
        return false;
      }
    }
    return !name.isEmpty();
  }

  private static boolean shows(int c) {
    if (c < 0x7f) {
      return c >= ' ';
    }
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE,
          Character.UNASSIGNED ->
          false;
      default -> true;
    };
  }

  private static void escape(StringBuilder line, int c) {
    if (c == '\n') {
      line.append("\\n");
    } else if (c > Character.MAX_VALUE) {
      line.append(String.format(Locale.ROOT, "\\u{%x}", c));
    } else {
      line.append(String.format(Locale.ROOT, "\\u%04x", c));
    }
  }
}
