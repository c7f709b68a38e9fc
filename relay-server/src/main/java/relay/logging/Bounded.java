package relay.logging;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.logging.Formatter;
import java.util.logging.LogRecord;
import org.jspecify.annotations.Nullable;

/** The parts of a record, cut to a length that log collectors accept. */
final class Bounded {
  static final int MESSAGE_CHARS = 8 * 1024;
  static final int STACK_CHARS = 16 * 1024;
  private static final String CUT = " ... (cut)";

  private Bounded() {}

  static String message(LogRecord record, Formatter formatter) {
    String message = formatter.formatMessage(record);
    return message == null ? "" : cut(message, MESSAGE_CHARS);
  }

  static @Nullable String stack(LogRecord record) {
    Throwable thrown = record.getThrown();
    if (thrown == null) {
      return null;
    }
    StringWriter text = new StringWriter();
    thrown.printStackTrace(new PrintWriter(text));
    return cut(text.toString().stripTrailing(), STACK_CHARS);
  }

  static String cut(String text, int chars) {
    if (text.length() <= chars) {
      return text;
    }
    // Do not split a surrogate pair.
    int end = Character.isHighSurrogate(text.charAt(chars - 1)) ? chars - 1 : chars;
    return text.substring(0, end) + CUT;
  }
}
