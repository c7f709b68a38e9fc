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
    PlainText.append(line, request == null ? Bounded.message(record, this) : request.text(), "\t");
    line.append('\n');
    String stack = Bounded.stack(record);
    if (stack != null) {
      PlainText.append(line, stack, "\n\t");
      line.append('\n');
    }
    return line.toString();
  }

  private static String shortName(@Nullable String logger) {
    return logger == null ? "" : logger.substring(logger.lastIndexOf('.') + 1);
  }
}
