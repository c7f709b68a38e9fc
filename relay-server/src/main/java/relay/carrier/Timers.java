package relay.carrier;

import java.util.NavigableSet;
import java.util.NoSuchElementException;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.xnio.XnioExecutor;

/**
 * The timers of a carrier. Any thread adds and cancels them, without a lock. The carrier runs those
 * that are due.
 */
final class Timers {
  private static final long MS = TimeUnit.MILLISECONDS.toNanos(1);

  private final NavigableSet<Timer> waiting = new ConcurrentSkipListSet<>();
  private final AtomicLong made = new AtomicLong();

  private final class Timer implements XnioExecutor.Key, Comparable<Timer> {
    final Runnable task;
    final long dueNanos;
    final long number = made.getAndIncrement();

    Timer(Runnable task, long dueNanos) {
      this.task = task;
      this.dueNanos = dueNanos;
    }

    @Override
    public boolean remove() {
      return waiting.remove(this);
    }

    @Override
    public int compareTo(Timer other) {
      int byTime = Long.signum(dueNanos - other.dueNanos);
      return byTime != 0 ? byTime : Long.compare(number, other.number);
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return Long.hashCode(number);
    }
  }

  private final class Repeated implements XnioExecutor.Key, Runnable {
    private final Runnable task;
    private final long nanos;
    private volatile boolean over;
    private volatile XnioExecutor.Key next;

    Repeated(Runnable task, long nanos) {
      this.task = task;
      this.nanos = nanos;
      next = after(this, nanos);
    }

    @Override
    public void run() {
      if (!over) {
        next = after(this, nanos);
        task.run();
      }
    }

    @Override
    public boolean remove() {
      over = true;
      return next.remove();
    }
  }

  XnioExecutor.Key after(Runnable task, long nanos) {
    Timer timer = new Timer(task, System.nanoTime() + nanos);
    waiting.add(timer);
    return timer;
  }

  XnioExecutor.Key every(Runnable task, long nanos) {
    return new Repeated(task, nanos);
  }

  /** Runs the due timers. */
  void runDue() {
    if (waiting.isEmpty()) {
      return;
    }
    long now = System.nanoTime();
    for (Timer first = first(); first != null && first.dueNanos - now <= 0; first = first()) {
      if (first.remove()) { // else it was just cancelled
        first.task.run();
      }
    }
  }

  /** Milliseconds until the next timer is due, rounded up; 0 if one is due; -1 without timers. */
  long untilNextMs() {
    Timer first = first();
    if (first == null) {
      return -1;
    }
    long left = first.dueNanos - System.nanoTime();
    return left <= 0 ? 0 : (left + MS - 1) / MS;
  }

  private @Nullable Timer first() {
    try {
      return waiting.isEmpty() ? null : waiting.first();
    } catch (NoSuchElementException e) { // the last one was just cancelled
      return null;
    }
  }
}
