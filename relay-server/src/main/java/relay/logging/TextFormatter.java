package relay.logging;

import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.logging.Formatter;
import java.util.logging.LogRecord;
import org.jspecify.annotations.Nullable;

/**
 * {@code 13:14:15.016 WARN Pipeline: message}, local time; a stack trace follows on separate lines.
 */
final class TextFormatter extends Formatter {
  private final Supplier<DateTimeFormatter> time;

  /** Created for the first line: reading the time zones would slow each start. */
  private static final class Local {
    static final DateTimeFormatter TIME = in(ZoneId.systemDefault());
  }

  TextFormatter() {
    time = () -> Local.TIME;
  }

  TextFormatter(ZoneId zone) {
    DateTimeFormatter its = in(zone);
    time = () -> its;
  }

  private static DateTimeFormatter in(ZoneId zone) {
    return DateTimeFormatter.ofPattern("HH:mm:ss.SSS").withZone(zone);
  }

  @Override
  public String format(LogRecord record) {
    StringBuilder line = new StringBuilder(128);
    line.append(time.get().format(record.getInstant()));
    line.append(' ');
    String level = Levels.name(record.getLevel()).toUpperCase(Locale.ROOT);
    line.append(level).repeat(' ', 6 - level.length());
    line.append(shortName(record.getLoggerName())).append(": ");
    RequestLine request = RequestLine.of(record);
    appendSafely(line, request == null ? Bounded.message(record, this) : request.text(), "\t");
    line.append('\n');
    String stack = Bounded.stack(record);
    if (stack != null) {
      appendSafely(line, stack, "\n\t");
      line.append('\n');
    }
    return line.toString();
  }

  private static String shortName(@Nullable String logger) {
    return logger == null ? "" : logger.substring(logger.lastIndexOf('.') + 1);
  }

  /** A client's text must not forge a log line or control the terminal. */
  private static void appendSafely(StringBuilder line, String text, String allowed) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!Character.isISOControl(c) || allowed.indexOf(c) >= 0) {
        line.append(c);
      } else if (c == '\n') {
        line.append("\\n");
      } else {
        line.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      }
    }
  }
}
