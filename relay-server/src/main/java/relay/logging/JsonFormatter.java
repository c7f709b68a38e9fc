package relay.logging;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.logging.Formatter;
import java.util.logging.LogRecord;
import org.jspecify.annotations.Nullable;

/**
 * One object a line: {@code ts} (RFC 3339, UTC, milliseconds), {@code level}, {@code logger},
 * {@code msg}, and where there is one {@code thread} and {@code exception} (the stack trace).
 */
final class JsonFormatter extends Formatter {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

  private final JsonFactory json = new JsonFactory();

  @Override
  public String format(LogRecord record) {
    StringWriter line = new StringWriter(256);
    try (JsonGenerator object = json.createGenerator(line)) {
      object.writeStartObject();
      object.writeStringField("ts", TIME.format(record.getInstant()));
      object.writeStringField("level", Levels.name(record.getLevel()));
      write(object, "logger", record.getLoggerName());
      object.writeStringField("msg", Bounded.message(record, this));
      write(object, "thread", Thread.currentThread().getName());
      write(object, "exception", Bounded.stack(record));
      object.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a StringWriter does not fail
    }
    return line.append('\n').toString();
  }

  private static void write(JsonGenerator object, String name, @Nullable String value)
      throws IOException {
    if (value != null && !value.isEmpty()) {
      object.writeStringField(name, value);
    }
  }
}
