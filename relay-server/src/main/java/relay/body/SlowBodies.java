package relay.body;

import java.util.Comparator;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * The large bodies that are being read. A client may hold the memory of a large body for long by
 * sending it slowly. While the memory is short, the slowest of such bodies make room. Thread-safe.
 */
public final class SlowBodies {
  /** A body that holds at most this takes too little to matter. */
  public static final int LARGE_BYTES = 256 * 1024;

  private static final long NANOS_A_BYTE = TimeUnit.SECONDS.toNanos(1) / (256 * 1024);
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final LongSupplier nanoTime;
  private final Set<Reading> all = ConcurrentHashMap.newKeySet();

  SlowBodies(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /**
   * One body, read by the thread that began it. It has five seconds, and each byte that arrives
   * gives it time again, up to five seconds. So at less than 256 KiB a second it becomes slow.
   */
  public final class Reading implements AutoCloseable {
    private final Thread reader = Thread.currentThread();
    private volatile long slowAt = nanoTime.getAsLong() + PATIENCE_NANOS;
    private volatile boolean ended;

    /** Bytes have arrived. Called by the reader. */
    public void grew(int bytes) {
      long earned = slowAt + bytes * NANOS_A_BYTE;
      long most = nanoTime.getAsLong() + PATIENCE_NANOS;
      slowAt = earned - most < 0 ? earned : most;
    }

    /** Whether the body must not be read on: it was too slow. */
    public boolean isEnded() {
      return ended;
    }

    private void end() {
      ended = true;
      all.remove(this);
      LockSupport.unpark(reader);
    }

    @Override
    public void close() {
      all.remove(this);
    }
  }

  /** The calling thread reads a large body from now on. */
  public Reading begin() {
    Reading reading = new Reading();
    all.add(reading);
    return reading;
  }

  /** Ends the body that has been slow for the longest time, if any is. It soon frees its memory. */
  public void endSlowest() {
    long now = nanoTime.getAsLong();
    all.stream()
        .filter(reading -> now - reading.slowAt >= 0)
        .max(Comparator.comparingLong(reading -> now - reading.slowAt))
        .ifPresent(Reading::end);
  }
}
