package relay.logging;

import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.Locale;
import java.util.logging.Formatter;
import java.util.logging.LogRecord;
import org.jspecify.annotations.Nullable;
import relay.model.JsonString;

/**
 * One object a line: {@code ts} (RFC 3339, UTC, milliseconds), {@code level}, {@code logger},
 * {@code msg}, and if present {@code thread} and {@code exception} (the stack trace), or the
 * members of a {@link RequestLine}.
 */
final class JsonFormatter extends Formatter {
  static final DateTimeFormatter TIME =
      new DateTimeFormatterBuilder().appendInstant(3).toFormatter(Locale.ROOT);

  @Override
  public String format(LogRecord record) {
    StringBuilder line = new StringBuilder(512);
    append(line, "{", "ts", TIME.format(record.getInstant()));
    append(line, ",", "level", Levels.name(record.getLevel()));
    append(line, ",", "logger", record.getLoggerName());
    line.append(",\"msg\":").append(JsonString.quote(Bounded.message(record, this)));
    RequestLine request = RequestLine.of(record);
    if (request != null) {
      request.appendJson(line);
    } else {
      append(line, ",", "thread", Thread.currentThread().getName());
      append(line, ",", "exception", Bounded.stack(record));
    }
    return line.append("}\n").toString();
  }

  private static void append(
      StringBuilder line, String before, String name, @Nullable String value) {
    if (value != null && !value.isEmpty()) {
      JsonString.quote(line.append(before).append('"').append(name).append("\":"), value);
    }
  }
}
