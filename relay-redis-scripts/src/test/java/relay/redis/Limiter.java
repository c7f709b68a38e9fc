package relay.redis;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * Algorithms that gateways commonly use, each as good as it can be: one atomic state for all
 * replicas where it has one, corrected when the true cost is known. Limits are for a minute.
 */
sealed interface Limiter {
  /** Takes tokens, or nothing at all. */
  boolean take(long now, int replica, long tokens);

  /** What was taken at `since` was too little by this, or too much if it is negative. */
  void correct(long now, int replica, long since, long tokens);

  /** Nothing is limited. */
  final class None implements Limiter {
    @Override
    public boolean take(long now, int replica, long tokens) {
      return true;
    }

    @Override
    public void correct(long now, int replica, long since, long tokens) {}
  }

  /** A counter for each minute of the clock. */
  final class FixedWindow implements Limiter {
    private final long limit;
    private long minute;
    private long used;

    FixedWindow(long limit) {
      this.limit = limit;
    }

    private void turn(long now) {
      if (now / Account.MINUTE != minute) {
        minute = now / Account.MINUTE;
        used = 0;
      }
    }

    @Override
    public boolean take(long now, int replica, long tokens) {
      turn(now);
      if (used + tokens > limit) {
        return false;
      }
      used += tokens;
      return true;
    }

    @Override
    public void correct(long now, int replica, long since, long tokens) {
      turn(now);
      if (tokens > 0 || since / Account.MINUTE == minute) {
        used += tokens;
      }
    }
  }

  /** The present minute's counter, and the last one's for the part that still overlaps. */
  final class TwoBuckets implements Limiter {
    private final long limit;
    private long minute;
    private long used;
    private long before;

    TwoBuckets(long limit) {
      this.limit = limit;
    }

    private void turn(long now) {
      long present = now / Account.MINUTE;
      if (present != minute) {
        before = present == minute + 1 ? used : 0;
        used = 0;
        minute = present;
      }
    }

    @Override
    public boolean take(long now, int replica, long tokens) {
      turn(now);
      double overlap = 1 - (double) (now % Account.MINUTE) / Account.MINUTE;
      if (used + before * overlap + tokens > limit) {
        return false;
      }
      used += tokens;
      return true;
    }

    @Override
    public void correct(long now, int replica, long since, long tokens) {
      turn(now);
      if (tokens > 0 || since / Account.MINUTE == minute) {
        used += tokens;
      } else if (since / Account.MINUTE == minute - 1) {
        before += tokens;
      }
    }
  }

  /** A pacer with room for a whole limit, and nothing beside it. */
  final class Gcra implements Limiter {
    private final long limit;
    private double level;
    private long at;

    Gcra(long limit) {
      this.limit = limit;
    }

    private void flow(long now) {
      level = Math.max(0, level - (double) (now - at) * limit / Account.MINUTE);
      at = now;
    }

    @Override
    public boolean take(long now, int replica, long tokens) {
      flow(now);
      if (level + tokens > limit) {
        return false;
      }
      level += tokens;
      return true;
    }

    @Override
    public void correct(long now, int replica, long since, long tokens) {
      flow(now);
      level = Math.max(0, level + tokens);
    }
  }

  /** An exact log in every replica, of its part of the limit. */
  final class Split implements Limiter {
    private final long part;
    private final List<ArrayDeque<long[]>> logs = new ArrayList<>(); // time, tokens
    private final long[] used;

    Split(long limit, int replicas) {
      part = limit / replicas;
      used = new long[replicas];
      for (int n = 0; n < replicas; n++) {
        logs.add(new ArrayDeque<>());
      }
    }

    private ArrayDeque<long[]> log(long now, int replica) {
      ArrayDeque<long[]> log = logs.get(replica);
      while (!log.isEmpty() && log.getFirst()[0] <= now - Account.MINUTE) {
        used[replica] -= log.removeFirst()[1];
      }
      return log;
    }

    private void add(long now, int replica, long tokens) {
      log(now, replica).add(new long[] {now, tokens});
      used[replica] += tokens;
    }

    @Override
    public boolean take(long now, int replica, long tokens) {
      var _ = log(now, replica);
      if (used[replica] + tokens > part) {
        return false;
      }
      add(now, replica, tokens);
      return true;
    }

    @Override
    public void correct(long now, int replica, long since, long tokens) {
      if (tokens > 0) {
        add(now, replica, tokens);
        return;
      }
      for (Iterator<long[]> i = log(now, replica).descendingIterator(); i.hasNext(); ) {
        long[] entry = i.next();
        if (entry[0] == since) {
          entry[1] += tokens;
          used[replica] += tokens;
          return;
        }
      }
    }
  }
}
