package relay.logging;

import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;

/**
 * Formats each record to one line on the calling thread, and leaves the write to a {@link
 * LineQueue}. A line is written with one call, so that lines of several processes on one pipe stay
 * whole. Takes no lock: carriers log, too.
 */
final class LineHandler extends Handler {
  private static final long LAST_LINE_NANOS = 100_000_000;

  private final OutputStream out;
  private final LineQueue queue;
  private volatile boolean stopping;

  LineHandler(OutputStream out, Formatter formatter) {
    this.out = out;
    setFormatter(formatter);
    queue = new LineQueue(out, this::droppedLine);
  }

  private String droppedLine(long count) {
    LogRecord record =
        new LogRecord(
            Level.WARNING, "the log was not read fast enough: " + count + " lines were dropped");
    record.setLoggerName("relay.logging");
    return getFormatter().format(record);
  }

  @Override
  public void publish(LogRecord record) {
    if (!queue.isFull() && isLoggable(record)) {
      queue.add(getFormatter().format(record).getBytes(StandardCharsets.UTF_8));
    }
    if (stopping && mayWait(Thread.currentThread())) {
      queue.flush(LAST_LINE_NANOS); // the JVM may end before the writer runs
    }
  }

  /** A shutdown hook may wait. Carriers, which are daemons, and virtual threads may not. */
  private static boolean mayWait(Thread thread) {
    return !thread.isDaemon();
  }

  @SuppressWarnings("ReferenceEquality") // one stream, whatever it holds
  boolean writesTo(OutputStream other) {
    return out == other;
  }

  long dropped() {
    return queue.dropped();
  }

  /** Begins the end of the JVM: from now on the threads that may wait see their lines written. */
  void stopping() {
    stopping = true;
  }

  /** Waits until all lines are written, for at most the given time. */
  void flush(long mostNanos) {
    queue.flush(mostNanos);
  }

  @Override
  public void flush() {}

  /** Ends its thread after the last line. */
  @Override
  public void close() {
    queue.close();
  }
}
