package relay.logging;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.Test;

class LibraryLinesTest {
  private long now = -5_000_000_000L;
  private final LibraryLines lines = new LibraryLines(() -> now);

  private static LogRecord record(String logger) {
    LogRecord record = new LogRecord(Level.SEVERE, "it failed");
    record.setLoggerName(logger);
    record.setThrown(new IllegalStateException("why"));
    return record;
  }

  @Test
  void a_library_writes_a_line_a_second_without_a_stack_trace() {
    LogRecord first = record("io.undertow.request.io");
    assertTrue(lines.isLoggable(first));
    assertNull(first.getThrown());
    assertEquals("it failed: java.lang.IllegalStateException: why", first.getMessage());
    for (int n = 0; n < 7; n++) {
      assertFalse(lines.isLoggable(record("io.undertow.request.io")));
    }
    now += 1_000_000_000L;
    LogRecord later = record("org.xnio");
    assertTrue(lines.isLoggable(later));
    assertTrue(later.getMessage().endsWith(" (7 lines of libraries were dropped before)"));
  }

  @Test
  void a_line_of_relay_passes_unchanged() {
    for (int n = 0; n < 7; n++) {
      LogRecord own = record("relay.carrier.Carrier");
      assertTrue(lines.isLoggable(own));
      assertEquals("it failed", own.getMessage());
      assertTrue(own.getThrown() != null);
    }
  }
}
