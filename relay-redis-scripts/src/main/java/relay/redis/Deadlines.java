package relay.redis;

import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;

/**
 * Fails calls without an answer after a timeout. All calls have the same timeout, so they expire in
 * queue order, and one thread can watch the oldest. A timer per call would wake a thread per call.
 */
final class Deadlines implements AutoCloseable {
  private static final long RECHECK_NANOS = 5_000_000;

  private final long timeoutNanos;
  private final Queue<Call> calls = new ConcurrentLinkedQueue<>();
  private final Thread watcher;
  private volatile boolean parked;
  private volatile boolean closed;

  private record Call(CompletableFuture<?> reply, long deadlineNanos) {}

  Deadlines(Duration timeout) {
    timeoutNanos = timeout.toNanos();
    watcher = Thread.ofPlatform().name("redis-deadlines").daemon().start(this::watch);
  }

  void watch(CompletableFuture<?> reply) {
    calls.add(new Call(reply, System.nanoTime() + timeoutNanos));
    if (parked) {
      LockSupport.unpark(watcher);
    }
  }

  private void watch() {
    while (!closed) {
      Call oldest = calls.peek();
      if (oldest == null) {
        parked = true;
        if (calls.isEmpty() && !closed) {
          LockSupport.park(this);
        }
        parked = false;
      } else if (oldest.reply().isDone()) {
        calls.poll();
      } else {
        long left = oldest.deadlineNanos() - System.nanoTime();
        if (left <= 0) {
          calls.poll();
          oldest.reply().completeExceptionally(new TimeoutException("Redis did not answer"));
        } else {
          // Most calls at the head will be done by then and are dropped at once.
          LockSupport.parkNanos(this, Math.max(left, RECHECK_NANOS));
        }
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(watcher);
  }
}
