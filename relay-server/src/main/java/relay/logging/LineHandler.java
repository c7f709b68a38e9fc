package relay.logging;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.logging.ErrorManager;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.LogRecord;

/** Writes each record with one call, so that lines of several processes on one pipe stay whole. */
final class LineHandler extends Handler {
  private static final long LOOK_NANOS = 100_000;

  private final Lock lock = new ReentrantLock();
  private final OutputStream out;

  LineHandler(OutputStream out, Formatter formatter) {
    this.out = out;
    setFormatter(formatter);
  }

  @Override
  public void publish(LogRecord record) {
    if (!isLoggable(record)) {
      return;
    }
    byte[] line = getFormatter().format(record).getBytes(StandardCharsets.UTF_8);
    enter();
    try {
      out.write(line);
      out.flush();
    } catch (IOException e) {
      reportError("cannot write a log line", e, ErrorManager.WRITE_FAILURE);
    } finally {
      lock.unlock();
    }
  }

  /**
   * A carrier must not queue behind a virtual thread: that thread needs the carrier to release the
   * lock. So a carrier tries the lock until it is free.
   */
  private void enter() {
    if (Thread.currentThread().isVirtual()) {
      lock.lock();
    } else {
      while (!lock.tryLock()) {
        LockSupport.parkNanos(this, LOOK_NANOS);
      }
    }
  }

  @Override
  public void flush() {}

  @Override
  public void close() {}
}
