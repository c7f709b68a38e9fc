package relay.logging;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.logging.Formatter;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FormattersTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private final Formatter json = new JsonFormatter();
  private final Formatter text = new TextFormatter(ZoneOffset.UTC);

  @Test
  void json_has_the_time_in_utc_with_milliseconds() throws Exception {
    JsonNode line = JSON.readTree(json.format(record(Level.WARNING, "m")));
    assertEquals("2026-01-02T03:04:05.060Z", line.get("ts").textValue());
    assertEquals("warn", line.get("level").textValue());
    assertEquals("relay.edge.Edge", line.get("logger").textValue());
    assertNull(line.get("exception"));
  }

  @Test
  void json_carries_any_text_on_one_line() throws Exception {
    String message = "quote \" line\nbreak \u001b[31m \u2028 \ud83d\ude00 {0}";
    String line = json.format(record(Level.INFO, message));
    assertEquals(1, line.chars().filter(c -> c == '\n').count());
    assertEquals(message, JSON.readTree(line).get("msg").textValue());
  }

  @Test
  void json_carries_the_stack_trace() throws Exception {
    LogRecord record = record(Level.SEVERE, "failed");
    record.setThrown(new IllegalStateException("why", new RuntimeException("deeper")));
    String exception = JSON.readTree(json.format(record)).get("exception").textValue();
    assertTrue(exception.startsWith("java.lang.IllegalStateException: why\n\tat "), exception);
    assertTrue(exception.contains("Caused by: java.lang.RuntimeException: deeper"), exception);
  }

  @Test
  void text_is_short() {
    assertEquals("03:04:05.060 INFO  Edge: m\n", text.format(record(Level.INFO, "m")));
    assertEquals("03:04:05.060 ERROR Edge: m\n", text.format(record(Level.SEVERE, "m")));
  }

  @Test
  void text_lets_no_message_forge_a_line_or_steer_the_terminal() {
    String line = text.format(record(Level.INFO, "a\nb\r\u001b[2Jc\td"));
    assertEquals("03:04:05.060 INFO  Edge: a\\nb\\u000d\\u001b[2Jc\td\n", line);
    LogRecord record = record(Level.INFO, "m");
    record.setThrown(new IllegalStateException("\u001b[2J"));
    assertFalse(text.format(record).contains("\u001b"));
  }

  @ParameterizedTest
  @ValueSource(ints = {0x2028, 0x2029, 0x202e, 0x2066, 0x200b, 0x200f, 0xfeff, 0x85, 0xe0041})
  void text_shows_what_no_terminal_does(int character) {
    String line =
        text.format(record(Level.INFO, "a" + Character.toString(character) + "b \ud83d\ude00"));
    String hex = Integer.toHexString(character);
    String escaped =
        character > 0xffff ? "\\u{" + hex + "}" : "\\u" + "0".repeat(4 - hex.length()) + hex;
    assertEquals("03:04:05.060 INFO  Edge: a" + escaped + "b \ud83d\ude00\n", line);
  }

  @Test
  void a_line_is_bounded() {
    LogRecord record = record(Level.INFO, "x".repeat(1_000_000));
    record.setThrown(new IllegalStateException("y".repeat(1_000_000)));
    int most = Bounded.MESSAGE_CHARS + Bounded.STACK_CHARS + 300;
    assertTrue(json.format(record).length() < most);
    assertTrue(text.format(record).length() < most);
  }

  @Test
  void a_cut_leaves_no_half_of_a_character() {
    String message = "x".repeat(Bounded.MESSAGE_CHARS - 1) + "\ud83d\ude00" + "x";
    String line = json.format(record(Level.INFO, message));
    assertFalse(line.chars().anyMatch(c -> Character.isSurrogate((char) c)), "half a character");
  }

  @Test
  void every_level_has_the_operators_word() {
    assertEquals("trace", Levels.name(Level.FINEST));
    assertEquals("debug", Levels.name(Level.FINE));
    assertEquals("info", Levels.name(Level.INFO));
    assertEquals("warn", Levels.name(Level.WARNING));
    assertEquals("error", Levels.name(Level.SEVERE));
  }

  private static LogRecord record(Level level, String message) {
    LogRecord record = new LogRecord(level, message);
    record.setInstant(Instant.parse("2026-01-02T03:04:05.060708Z"));
    record.setLoggerName("relay.edge.Edge");
    return record;
  }
}
