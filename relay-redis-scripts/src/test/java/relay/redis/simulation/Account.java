package relay.redis.simulation;

import java.util.ArrayDeque;

/** A provider's enforcement for one account. Times are in microseconds, limits are per minute. */
public sealed interface Account {
  long MINUTE = 60_000_000;

  /** Accepts a request and returns 0, or returns the time to wait for it. */
  long ask(long now, long tokens);

  /** Counts an answer's tokens as they are produced. They cannot be refused. */
  void count(long now, long tokens);

  /** What is left now, as headers state it. */
  long left(long now);

  /** The time until all is left again, as headers state it in whole seconds, in milliseconds. */
  long fullMs(long now);

  /** The least time that a time and a date in whole seconds can mean, in milliseconds. */
  private static long whole(long micros) {
    return Math.max(0, Math.ceilDiv(micros, 1_000_000) - 2) * 1_000;
  }

  /**
   * The bucket that providers document, refilled steadily. A full bucket admits a request larger
   * than itself, because no real limit excludes a size for good.
   */
  final class Bucket implements Account {
    private static final double ROUNDING = 1e-6;

    private final double perMicro;
    private final double capacity;
    private double level;
    private long at;

    public Bucket(long limit, double capacity) {
      perMicro = (double) limit / MINUTE;
      this.capacity = capacity;
    }

    @Override
    public long ask(long now, long tokens) {
      count(now, 0);
      double excess = level + tokens - Math.max(capacity, (double) tokens);
      if (excess > ROUNDING) {
        return (long) Math.ceil(excess / perMicro);
      }
      level += tokens;
      return 0;
    }

    @Override
    public long left(long now) {
      count(now, 0);
      return (long) Math.max(0, capacity - level);
    }

    @Override
    public long fullMs(long now) {
      count(now, 0);
      return whole((long) (level / perMicro));
    }

    @Override
    public void count(long now, long tokens) {
      level = Math.max(0, level - (now - at) * perMicro) + tokens;
      at = now;
    }
  }

  /** The strictest possible rule: no minute exceeds the limit. */
  final class Log implements Account {
    private final long limit;
    private final ArrayDeque<long[]> entries = new ArrayDeque<>(); // time, tokens
    private long used;

    Log(long limit) {
      this.limit = limit;
    }

    @Override
    public long ask(long now, long tokens) {
      forget(now);
      long excess = used + tokens - limit;
      if (excess <= 0) {
        count(now, tokens);
        return 0;
      }
      for (long[] entry : entries) {
        excess -= entry[1];
        if (excess <= 0) {
          return entry[0] + MINUTE - now;
        }
      }
      return MINUTE;
    }

    @Override
    public long left(long now) {
      forget(now);
      return Math.max(0, limit - used);
    }

    @Override
    public long fullMs(long now) {
      forget(now);
      return entries.isEmpty() ? 0 : whole(entries.getLast()[0] + MINUTE - now);
    }

    @Override
    public void count(long now, long tokens) {
      forget(now);
      entries.add(new long[] {now, tokens});
      used += tokens;
    }

    /** Corrects an overcount at `since`; usage older than a minute no longer counts. */
    void refund(long now, long since, long tokens) {
      forget(now);
      for (long[] entry : entries.reversed()) {
        if (entry[0] == since) {
          entry[1] -= tokens;
          used -= tokens;
          return;
        }
      }
    }

    private void forget(long now) {
      while (!entries.isEmpty() && entries.getFirst()[0] <= now - MINUTE) {
        used -= entries.removeFirst()[1];
      }
    }
  }
}
