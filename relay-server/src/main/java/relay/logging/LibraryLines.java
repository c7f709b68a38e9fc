package relay.logging;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.logging.Filter;
import java.util.logging.LogRecord;
import java.util.logging.SimpleFormatter;

/**
 * Passes one line a second of the libraries, without a stack trace: a peer can make them log at
 * each connection. The next line tells how many were dropped. Relay's own lines pass.
 */
final class LibraryLines implements Filter {
  private static final long PAUSE_NANOS = Duration.ofSeconds(1).toNanos();
  private static final String OWN = "relay";

  private final LongSupplier clock;
  private final AtomicLong next;
  private final AtomicLong dropped = new AtomicLong();

  /**
   * @param clock nanoseconds of any origin
   */
  LibraryLines(LongSupplier clock) {
    this.clock = clock;
    next = new AtomicLong(clock.getAsLong());
  }

  @Override
  public boolean isLoggable(LogRecord record) {
    String logger = record.getLoggerName();
    if (logger != null && (logger.equals(OWN) || logger.startsWith(OWN + "."))) {
      return true;
    }
    long now = clock.getAsLong();
    long due = next.get();
    if (now - due < 0 || !next.compareAndSet(due, now + PAUSE_NANOS)) {
      dropped.getAndIncrement();
      return false;
    }
    shorten(record);
    return true;
  }

  private void shorten(LogRecord record) {
    StringBuilder line = new StringBuilder(new SimpleFormatter().formatMessage(record));
    Throwable thrown = record.getThrown();
    if (thrown != null) {
      line.append(": ").append(thrown);
      record.setThrown(null);
    }
    long lost = dropped.getAndSet(0);
    if (lost > 0) {
      line.append(" (").append(lost).append(" lines of libraries were dropped before)");
    }
    if (thrown != null || lost > 0) {
      record.setMessage(line.toString());
      record.setParameters(null); // they are in the message
    }
  }
}
