package relay.redis;

import java.util.List;
import java.util.stream.Stream;

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
  final class Minutes implements Limiter {
    private final long limit;
    private final boolean overlapping;
    private long minute;
    private long used;
    private long before;

    /**
     * @param overlapping whether the last minute's counter counts for the part of it that is less
     *     than a minute ago
     */
    Minutes(long limit, boolean overlapping) {
      this.limit = limit;
      this.overlapping = overlapping;
    }

    private void turn(long now) {
      long present = now / Account.MINUTE;
      if (present != minute) {
        before = overlapping && present == minute + 1 ? used : 0;
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
      } else if (overlapping && since / Account.MINUTE == minute - 1) {
        before += tokens;
      }
    }
  }

  /** A pacer with room for a whole limit, and nothing beside it: the bucket of a provider. */
  final class Gcra implements Limiter {
    private final Account.Bucket bucket;

    Gcra(long limit) {
      bucket = new Account.Bucket(limit, limit);
    }

    @Override
    public boolean take(long now, int replica, long tokens) {
      return bucket.ask(now, tokens) == 0;
    }

    @Override
    public void correct(long now, int replica, long since, long tokens) {
      bucket.count(now, tokens);
    }
  }

  /** An exact log in every replica, of its part of the limit. */
  final class Split implements Limiter {
    private final List<Account.Log> logs;

    Split(long limit, int replicas) {
      logs = Stream.generate(() -> new Account.Log(limit / replicas)).limit(replicas).toList();
    }

    @Override
    public boolean take(long now, int replica, long tokens) {
      return logs.get(replica).ask(now, tokens) == 0;
    }

    @Override
    public void correct(long now, int replica, long since, long tokens) {
      if (tokens > 0) {
        logs.get(replica).count(now, tokens);
      } else {
        logs.get(replica).refund(now, since, -tokens);
      }
    }
  }
}
