package relay.redis;

import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;

/**
 * Fails calls that got no answer in time. All have the same time, so their order is that of their
 * deadlines, and one thread that looks at the oldest serves all of them: a timer for each call
 * would wake a thread for each call.
 */
final class Deadlines implements AutoCloseable {
  private static final long LOOK_AGAIN_NANOS = 5_000_000;

  private final long timeoutNanos;
  private final Queue<Call> calls = new ConcurrentLinkedQueue<>();
  private final Thread watcher;
  private volatile boolean resting;
  private volatile boolean closed;

  private record Call(CompletableFuture<?> reply, long deadlineNanos) {}

  Deadlines(Duration timeout) {
    timeoutNanos = timeout.toNanos();
    watcher = Thread.ofPlatform().name("redis-deadlines").daemon().start(this::watch);
  }

  void watch(CompletableFuture<?> reply) {
    calls.add(new Call(reply, System.nanoTime() + timeoutNanos));
    if (resting) {
      LockSupport.unpark(watcher);
    }
  }

  private void watch() {
    while (!closed) {
      Call oldest = calls.peek();
      if (oldest == null) {
        resting = true;
        if (calls.isEmpty() && !closed) {
          LockSupport.park(this);
        }
        resting = false;
      } else if (oldest.reply().isDone()) {
        calls.poll();
      } else {
        long left = oldest.deadlineNanos() - System.nanoTime();
        if (left <= 0) {
          calls.poll();
          oldest.reply().completeExceptionally(new TimeoutException("Redis did not answer"));
        } else {
          // Most calls ahead will be done by then, and go at once.
          LockSupport.parkNanos(this, Math.max(left, LOOK_AGAIN_NANOS));
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
