package relay.redis;

import java.util.PriorityQueue;

/** Runs events in the order of their times, in microseconds, without waiting for them. */
final class VirtualTime {
  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private long count;
  private long now;

  private record Event(long at, long order, Runnable what) implements Comparable<Event> {
    @Override
    public int compareTo(Event other) {
      return at != other.at ? Long.compare(at, other.at) : Long.compare(order, other.order);
    }
  }

  VirtualTime(long start) {
    now = start;
  }

  long now() {
    return now;
  }

  void set(long time) {
    now = time;
  }

  /** A number that was not given out before. */
  long next() {
    return count++;
  }

  void at(long time, Runnable what) {
    events.add(new Event(time, next(), what));
  }

  /** Runs what happens before a time. */
  void run(long until) {
    while (!events.isEmpty() && events.peek().at < until) {
      Event next = events.remove();
      now = next.at;
      next.what.run();
    }
    now = until;
  }
}
