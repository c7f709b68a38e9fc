package relay.redis.simulation;

import java.util.List;
import java.util.stream.Stream;

/**
 * Rate-limiting algorithms of common gateways, each in its best form: one atomic state for all
 * replicas where possible, corrected by the actual cost. Limits are per minute.
 */
sealed interface Limiter {
  /** Takes all of the tokens or none. */
  boolean take(long now, int replica, long tokens);

  /** Corrects the amount taken at `since` by this difference. */
  void correct(long now, int replica, long since, long tokens);

  /** No limit. */
  final class None implements Limiter {
    @Override
    public boolean take(long now, int replica, long tokens) {
      return true;
    }

    @Override
    public void correct(long now, int replica, long since, long tokens) {}
  }

  /** A counter per clock minute. */
  final class Minutes implements Limiter {
    private final long limit;
    private final boolean overlapping;
    private long minute;
    private long used;
    private long before;

    /**
     * @param overlapping whether the last minute's counter counts in proportion to its part within
     *     the last 60 s
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

  /** A pacer with a burst of the whole limit: a provider's bucket. */
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

  /** An exact log per replica, for its share of the limit. */
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
