package relay.redis.simulation;

import java.util.ArrayDeque;

/** A provider's count of one dimension, and what its answers state of it. Times in microseconds. */
sealed interface StatedAccount {
  /** Accepts a cost and returns 0, or returns the time to wait for it. */
  long ask(long now, long cost);

  /** What is left. */
  long left(long now);

  /** When all is left again, or what this provider calls so. */
  long fullMicros(long now);

  /** Refilled steadily. */
  final class Bucket implements StatedAccount {
    private final double rate;
    private final double size;
    private double debt;
    private long at;

    Bucket(double size, long limit, long window) {
      this.size = size;
      rate = (double) limit / window;
    }

    private void flow(long now) {
      debt = Math.max(0, debt - (now - at) * rate);
      at = now;
    }

    @Override
    public long ask(long now, long cost) {
      flow(now);
      if (debt + cost > size + 1e-6) {
        return (long) Math.ceil((debt + cost - size) / rate);
      }
      debt += cost;
      return 0;
    }

    @Override
    public long left(long now) {
      flow(now);
      return (long) (size - debt);
    }

    @Override
    public long fullMicros(long now) {
      flow(now);
      return (long) (debt / rate);
    }
  }

  /** Counts from the start of each window on. */
  final class Clock implements StatedAccount {
    private final long limit;
    private final long window;
    private long number;
    private long used;

    Clock(long limit, long window) {
      this.limit = limit;
      this.window = window;
    }

    private void turn(long now) {
      if (now / window != number) {
        number = now / window;
        used = 0;
      }
    }

    @Override
    public long ask(long now, long cost) {
      turn(now);
      if (used + cost > limit) {
        return fullMicros(now);
      }
      used += cost;
      return 0;
    }

    @Override
    public long left(long now) {
      turn(now);
      return limit - used;
    }

    @Override
    public long fullMicros(long now) {
      return window - now % window;
    }
  }

  /** Admits no more than the limit in any window. */
  final class Log implements StatedAccount {
    private final long limit;
    private final long window;
    private final Stated stated;
    private final ArrayDeque<long[]> entries = new ArrayDeque<>(); // time, cost
    private long used;

    /** What it states as the time of the reset. */
    enum Stated {
      FULL,
      NEXT,
      LINEAR
    }

    Log(long limit, long window, Stated stated) {
      this.limit = limit;
      this.window = window;
      this.stated = stated;
    }

    private void forget(long now) {
      while (!entries.isEmpty() && entries.getFirst()[0] <= now - window) {
        used -= entries.removeFirst()[1];
      }
    }

    @Override
    public long ask(long now, long cost) {
      forget(now);
      long excess = used + cost - limit;
      for (long[] entry : excess > 0 ? entries : new ArrayDeque<long[]>()) {
        excess -= entry[1];
        if (excess <= 0) {
          return entry[0] + window - now;
        }
      }
      entries.add(new long[] {now, cost});
      used += cost;
      return 0;
    }

    @Override
    public long left(long now) {
      forget(now);
      return limit - used;
    }

    @Override
    public long fullMicros(long now) {
      forget(now);
      if (entries.isEmpty()) {
        return 0;
      }
      return switch (stated) {
        case FULL -> entries.getLast()[0] + window - now;
        case NEXT -> entries.getFirst()[0] + window - now;
        case LINEAR -> used * window / limit;
      };
    }
  }
}
