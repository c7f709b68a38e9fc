package relay.logging;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongFunction;

/**
 * Lines on their way to a stream, written by a thread of their own: a write blocks while the reader
 * of a pipe is slow. The queue is bounded and takes no lock. Lines that do not fit are dropped and
 * counted, and one line reports them later.
 */
final class LineQueue implements AutoCloseable {
  static final int MOST_LINES = 10_000;
  static final int MOST_BYTES = 4 * 1024 * 1024;
  private static final long LOOK_NANOS = 1_000_000;

  private final OutputStream out;
  private final LongFunction<String> droppedLine;
  private final Queue<byte[]> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger lines = new AtomicInteger(); // including the one in write()
  private final AtomicInteger bytes = new AtomicInteger();
  private final AtomicLong dropped = new AtomicLong();
  private final Thread writer;
  private long reported; // writer only
  private int sinceReport; // writer only: lines written since the last report
  private volatile boolean allReported = true;
  private volatile boolean asleep;
  private volatile boolean closed;

  /**
   * @param droppedLine formats the report of dropped lines, with their number
   */
  LineQueue(OutputStream out, LongFunction<String> droppedLine) {
    this.out = out;
    this.droppedLine = droppedLine;
    writer = Thread.ofPlatform().name("log").daemon().unstarted(this::run);
    writer.start();
  }

  /** Whether a line may be dropped without formatting it. Counts it if so. */
  boolean isFull() {
    if (lines.get() < MOST_LINES && bytes.get() < MOST_BYTES) {
      return false;
    }
    drop();
    return true;
  }

  /** Adds a line, or drops it. Never blocks. */
  void add(byte[] line) {
    int nowLines = lines.incrementAndGet();
    int nowBytes = bytes.addAndGet(line.length);
    if (nowLines > MOST_LINES || nowBytes > MOST_BYTES) {
      drop();
      release(line);
      return;
    }
    waiting.add(line);
    if (asleep) {
      LockSupport.unpark(writer);
    }
  }

  private void release(byte[] line) {
    bytes.addAndGet(-line.length);
    lines.decrementAndGet();
  }

  private void drop() {
    dropped.incrementAndGet();
    allReported = false; // in this order: see report()
  }

  /** Lines dropped so far. */
  long dropped() {
    return dropped.get();
  }

  /** Waits until all lines are written, for at most the given time. Not for carriers. */
  void flush(long mostNanos) {
    long until = System.nanoTime() + mostNanos;
    LockSupport.unpark(writer);
    while (!isIdle() && System.nanoTime() - until < 0) {
      LockSupport.parkNanos(this, LOOK_NANOS);
    }
  }

  private boolean isIdle() {
    return lines.get() == 0 && allReported;
  }

  private void run() {
    while (!closed || !isIdle()) {
      try {
        step();
      } catch (Throwable e) {
        drop(); // even an Error must not end logging; it can be reported here only by the count
        LockSupport.parkNanos(this, LOOK_NANOS);
      }
    }
  }

  private void step() throws IOException {
    byte[] line = waiting.poll();
    if (line != null) {
      write(line);
    }
    if (line == null || ++sinceReport >= MOST_LINES) {
      report();
    }
    if (line == null && !closed) {
      asleep = true;
      if (waiting.isEmpty() && allReported) {
        LockSupport.park(this);
      }
      asleep = false;
    }
  }

  private void write(byte[] line) throws IOException {
    try {
      out.write(line);
      out.flush();
    } finally {
      release(line);
    }
  }

  private void report() {
    sinceReport = 0;
    allReported = true; // before the read: a later drop clears it again
    long all = dropped.get();
    long more = all - reported;
    reported = all;
    if (more > 0) {
      try {
        out.write(droppedLine.apply(more).getBytes(UTF_8));
        out.flush();
      } catch (IOException e) {
        // stderr is closed: a further report would fail, too
      }
    }
  }

  /** Ends the thread after the last line. */
  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(writer);
  }
}
