package relay.redis.link;

import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fails calls that Redis leaves without an answer. All calls have the same timeout, so their order
 * is that of their deadlines, and one thread serves all of them: a timer for each call would wake a
 * thread for each call.
 *
 * <p>Only time in which this process ran counts. A stalled process (a throttled container, a
 * collection, a burst that keeps the I/O thread busy) leaves replies unread, which says nothing
 * about Redis. So the clock of the deadlines advances by ticks: a tick counts for at most {@value
 * #MOST_COUNTED_NANOS} ns, and while a call is overdue for a tick it counts only after the I/O
 * thread has polled its sockets since the tick before.
 */
final class Deadlines implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Deadlines.class);
  private static final long TICK_NANOS = 10_000_000;
  private static final long MOST_COUNTED_NANOS = 2 * TICK_NANOS;

  /** A timer of the I/O thread that runs after others are due, and not in the same round. */
  private static final long NEXT_ROUND_NANOS = 1_000_000;

  private final long timeoutNanos;
  private final IoTimer ioThread;
  private final LongSupplier nanoTime;
  private final Queue<Call> calls = new ConcurrentLinkedQueue<>();
  private final SurvivedFaults faults;
  private final Thread watcher;
  private long lastNanos; // watcher only
  private volatile long runningNanos;
  private volatile boolean polled = true;
  private volatile boolean resting;
  private volatile boolean closed;

  /** A call under way. */
  static final class Call {
    private final CompletableFuture<?> reply;
    private final long sentAt;
    private volatile boolean answered;

    private Call(CompletableFuture<?> reply, long sentAt) {
      this.reply = reply;
      this.sentAt = sentAt;
    }

    /**
     * The reply has arrived. Completing its future may take longer: that does not count against
     * Redis.
     */
    void answered() {
      answered = true;
    }

    private boolean isOver() {
      return answered || reply.isDone();
    }
  }

  /** Timers of the thread that reads replies. */
  @FunctionalInterface
  interface IoTimer {
    void after(long nanos, Runnable task);
  }

  Deadlines(long timeoutNanos, IoTimer ioThread, LongSupplier nanoTime) {
    this.timeoutNanos = timeoutNanos;
    this.ioThread = ioThread;
    this.nanoTime = nanoTime;
    faults = new SurvivedFaults("redis-deadlines", log::error, nanoTime);
    watcher = Thread.ofPlatform().name("redis-deadlines").daemon().start(this::watch);
  }

  /** Starts the deadline of a call that is being written now. */
  Call watch(CompletableFuture<?> reply) {
    Call call = new Call(reply, runningNanos);
    calls.add(call);
    if (resting) {
      LockSupport.unpark(watcher);
    }
    return call;
  }

  /** Time in which this process ran and calls were under way, in nanoseconds. */
  long runningNanos() {
    return runningNanos;
  }

  private void watch() {
    lastNanos = nanoTime.getAsLong();
    while (!closed) {
      faults.run(this::step);
    }
  }

  private void step() {
    Call oldest = oldest();
    if (oldest == null) {
      rest();
      lastNanos = nanoTime.getAsLong();
    } else {
      LockSupport.parkNanos(this, TICK_NANOS);
      long now = nanoTime.getAsLong();
      long elapsed = now - lastNanos;
      lastNanos = now;
      tick(oldest, Math.min(elapsed, MOST_COUNTED_NANOS));
    }
  }

  private @Nullable Call oldest() {
    Call oldest = calls.peek();
    while (oldest != null && oldest.isOver()) {
      calls.poll();
      oldest = calls.peek();
    }
    return oldest;
  }

  private void rest() {
    resting = true;
    if (calls.isEmpty() && !closed) {
      LockSupport.park(this);
    }
    resting = false;
  }

  private void tick(Call oldest, long elapsedNanos) {
    long age = runningNanos - oldest.sentAt;
    if (age >= TICK_NANOS && !oldest.isOver()) {
      if (!polled) {
        return; // the I/O thread is stalled, and a reply may lie in the socket
      }
      polled = false;
      // Two timers: between them the I/O thread polls its sockets once
      try {
        ioThread.after(0, () -> ioThread.after(NEXT_ROUND_NANOS, () -> polled = true));
      } catch (Throwable e) {
        polled = true; // no timer will say so, and the deadlines would stand still
        throw e;
      }
    }
    advance(runningNanos + elapsedNanos);
  }

  private void advance(long to) {
    runningNanos = to;
    for (Call call = oldest(); call != null && to - call.sentAt >= timeoutNanos; call = oldest()) {
      calls.poll();
      call.reply.completeExceptionally(new TimeoutException("Redis did not answer"));
    }
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(watcher);
  }
}
