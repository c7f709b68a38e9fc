package relay.redis.link;

import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fails calls that Redis leaves without an answer. All calls have the same timeout, so their order
 * is that of their deadlines, and the I/O thread looks at the oldest: after half of the time that
 * it has left. So calls that are answered in time cost a look each half timeout, not a timer each.
 *
 * <p>Only time in which this process ran counts. A stalled process (a throttled container, a
 * collection, a burst that keeps the I/O thread busy) leaves replies unread, which says nothing
 * about Redis. So a look that is late counts no more than {@value #LATE_NANOS} ns of that. The I/O
 * thread polls its sockets between two looks, and several looks are in a timeout.
 */
final class Deadlines implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Deadlines.class);

  private static final long LEAST_PAUSE_NANOS = 10_000_000;
  private static final long LATE_NANOS = 2_500_000;

  private final long timeoutNanos;
  private final IoTimer ioThread;
  private final Executor answers;
  private final LongSupplier nanoTime;
  private final Queue<Call> calls = new ConcurrentLinkedQueue<>();
  private final SurvivedFaults faults;
  private final AtomicBoolean looking = new AtomicBoolean(); // a look is due, or runs
  private volatile Reading last = new Reading(0, 0, 0);
  private volatile boolean closed;

  /**
   * The clock of the deadlines at a look.
   *
   * @param at by the machine's clock
   * @param running time in which this process ran and calls were under way
   * @param most that may be added before the next look
   */
  private record Reading(long at, long running, long most) {
    long runningAt(long now) {
      return running + Math.min(now - at, most);
    }
  }

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

  /**
   * @param answers runs what depends on a call, as for a reply
   */
  Deadlines(long timeoutNanos, IoTimer ioThread, Executor answers, LongSupplier nanoTime) {
    this.timeoutNanos = timeoutNanos;
    this.ioThread = ioThread;
    this.answers = answers;
    this.nanoTime = nanoTime;
    faults = new SurvivedFaults("redis-deadlines", log::error, nanoTime);
  }

  /** Starts the deadline of a call that is being written now. */
  Call watch(CompletableFuture<?> reply) {
    Call call = new Call(reply, runningNanos());
    calls.add(call);
    begin();
    return call;
  }

  /** Time in which this process ran and calls were under way, in nanoseconds. */
  long runningNanos() {
    return last.runningAt(nanoTime.getAsLong());
  }

  private void begin() {
    if (!closed && looking.compareAndSet(false, true)) {
      goOn(timeoutNanos, nanoTime.getAsLong(), last.running());
    }
  }

  /**
   * @param left until the oldest call times out
   */
  private void goOn(long left, long now, long running) {
    long pause = Math.max(LEAST_PAUSE_NANOS, left / 2);
    last = new Reading(now, running, pause + LATE_NANOS);
    boolean[] set = {false};
    faults.run(
        () -> {
          ioThread.after(pause, this::look);
          set[0] = true;
        });
    if (!set[0]) {
      rest(now, running); // the next call tries again
    }
  }

  private void rest(long now, long running) {
    last = new Reading(now, running, 0);
    looking.set(false);
  }

  /** Runs on the I/O thread. */
  private void look() {
    long now = nanoTime.getAsLong();
    long running = last.runningAt(now);
    Call oldest = oldest();
    for (; oldest != null && running - oldest.sentAt >= timeoutNanos; oldest = oldest()) {
      Call late = oldest;
      calls.poll();
      Runnable fails =
          () -> late.reply.completeExceptionally(new TimeoutException("Redis did not answer"));
      faults.run(() -> answers.execute(fails));
    }
    if (closed) {
      return;
    }
    if (oldest != null) {
      goOn(timeoutNanos - (running - oldest.sentAt), now, running);
      return;
    }
    rest(now, running);
    if (!calls.isEmpty()) { // it came meanwhile
      begin();
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

  @Override
  public void close() {
    closed = true;
  }
}
