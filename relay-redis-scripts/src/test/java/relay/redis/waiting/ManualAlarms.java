package relay.redis.waiting;

import java.time.Duration;
import java.util.Comparator;
import java.util.PriorityQueue;

/** A clock that a test moves, and the alarms that ring on the way. */
final class ManualAlarms {
  private final PriorityQueue<Ring> rings =
      new PriorityQueue<>(Comparator.comparingLong(Ring::at).thenComparingInt(Ring::number));
  private long now = Long.MAX_VALUE - 1_000; // the clock's origin is arbitrary, and it may overflow
  private long passed;
  private int count;

  private record Ring(long at, int number, Runnable callback) {}

  long now() {
    return now;
  }

  /** Returns what takes the alarm back. */
  Runnable alarm(long nanos, Runnable callback) {
    Ring set = new Ring(passed + nanos, count++, callback);
    rings.add(set);
    return () -> rings.remove(set);
  }

  boolean isSilent() {
    return rings.isEmpty();
  }

  void pass(Duration time) {
    long until = passed + time.toNanos();
    while (!rings.isEmpty() && rings.peek().at() <= until) {
      Ring ring = rings.remove();
      now += ring.at() - passed;
      passed = ring.at();
      ring.callback().run();
    }
    now += until - passed;
    passed = until;
  }
}
