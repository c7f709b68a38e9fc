package relay.redis.link;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** Whether a master answers, and in time. */
final class Answering {
  /**
   * A network that swallows packets sends no reset: this many calls in a row without an answer
   * count as a lost connection.
   */
  static final int MAX_UNANSWERED = 3;

  private final Slowness slowness;
  private final Duration timeout;
  private final LongSupplier runningNanos;
  private final Supplier<String> name;
  private final AtomicInteger unanswered = new AtomicInteger();
  private volatile long answeredAtNanos;

  /**
   * @param runningNanos a clock that stands still while this process does
   * @param name of the master, for messages
   */
  Answering(Slowness slowness, Duration timeout, LongSupplier runningNanos, Supplier<String> name) {
    this.slowness = slowness;
    this.timeout = timeout;
    this.runningNanos = runningNanos;
    this.name = name;
  }

  /** Whether answers come later than the timeout. */
  boolean isSlow() {
    return slowness.holds();
  }

  /** Whether they have done so for long. */
  boolean isLastinglySlow() {
    return slowness.isLasting(runningNanos.getAsLong());
  }

  /** A new connection has answered its first call. */
  void connected() {
    unanswered.set(0);
    slowness.timelyAnswer();
    answeredAtNanos = runningNanos.getAsLong();
  }

  /**
   * A call has its answer.
   *
   * @param isLate whether it had timed out
   * @param isAwaited whether a request waits for the answer
   */
  void answered(boolean isLate, boolean isAwaited) {
    unanswered.setPlain(0);
    answeredAtNanos = runningNanos.getAsLong();
    if (isLate) {
      slowness.lateAnswer(name.get());
    } else if (isAwaited) {
      slowness.timelyAnswer();
    }
  }

  /**
   * A call had no answer in time. Returns whether the connection is lost: late answers to others
   * show that Redis is busy, not gone.
   */
  boolean hasCeased() {
    slowness.timedOut(runningNanos.getAsLong());
    return unanswered.incrementAndGet() >= MAX_UNANSWERED
        && runningNanos.getAsLong() - answeredAtNanos >= MAX_UNANSWERED * timeout.toNanos();
  }

  /** Called twice a second. */
  void tick() {
    slowness.tick(name.get());
  }
}
