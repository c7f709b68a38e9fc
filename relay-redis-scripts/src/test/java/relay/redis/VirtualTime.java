package relay.redis;

import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/** Runs events in the order of their times, in microseconds, without waiting for them. */
public final class VirtualTime {
  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private long count;
  private long now;

  private record Event(long at, long order, Runnable what) implements Comparable<Event> {
    @Override
    public int compareTo(Event other) {
      return at != other.at ? Long.compare(at, other.at) : Long.compare(order, other.order);
    }
  }

  public VirtualTime(long start) {
    now = start;
  }

  public long now() {
    return now;
  }

  void set(long time) {
    now = time;
  }

  /** A number that was not given out before. */
  long next() {
    return count++;
  }

  public void at(long time, Runnable what) {
    events.add(new Event(time, next(), what));
  }

  /** Runs {@code callback} after {@code nanos}. The returned task cancels that. */
  Runnable alarm(long nanos, Runnable callback) {
    AtomicBoolean off = new AtomicBoolean();
    at(
        now + Math.ceilDiv(nanos, 1_000),
        () -> {
          if (!off.get()) {
            callback.run();
          }
        });
    return () -> off.set(true);
  }

  /** Runs what happens before a time. */
  public void run(long until) {
    while (!events.isEmpty() && events.peek().at < until) {
      Event next = events.remove();
      now = next.at;
      next.what.run();
    }
    now = until;
  }

  /** The longest time between two of these moments from one time to another. */
  static long longestPause(List<Long> moments, long from, long to) {
    long longest = 0;
    long last = from;
    for (long moment : moments) {
      if (moment >= last && moment < to) {
        longest = Math.max(longest, moment - last);
        last = moment;
      }
    }
    return Math.max(longest, to - last);
  }
}
