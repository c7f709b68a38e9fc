package relay.redis.link;

import java.util.function.LongSupplier;
import relay.redis.model.RedisUse;

/**
 * Whether a Redis that answers accepts a pool's calls: it may lack rights or memory, or hold a
 * state that this version cannot read. A heartbeat that is accepted proves little while acquires
 * are refused, for it touches fewer keys: then it counts again after {@value #DOUBT_SECONDS} s.
 */
public final class AcceptedCalls {
  private static final int DOUBT_SECONDS = 5;

  private final LongSupplier nanoTime;
  private volatile Standing standing = Standing.NOT_YET;
  private volatile long acquireRefusedNanos;
  private volatile boolean acquireRefused;

  /** The outcome of the last call. */
  enum Standing {
    NOT_YET,
    ACCEPTED,
    REFUSED
  }

  public AcceptedCalls(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** How Redis serves the pool, which this link leads to. */
  public RedisUse use(RedisLink link) {
    if (!link.isUp()) {
      return RedisUse.AWAY;
    }
    if (!link.isTimely()) {
      return RedisUse.SLOW;
    }
    return switch (standing) {
      case NOT_YET -> RedisUse.NOT_YET;
      case ACCEPTED -> RedisUse.SHARED;
      case REFUSED -> RedisUse.REFUSED;
    };
  }

  /** Redis has answered an acquire. */
  public void acquired() {
    if (standing != Standing.ACCEPTED) { // a read costs less: this runs for each request
      acquireRefused = false;
      standing = Standing.ACCEPTED;
    }
  }

  public void acquireRefused() {
    acquireRefusedNanos = nanoTime.getAsLong();
    acquireRefused = true;
    standing = Standing.REFUSED;
  }

  public void beat() {
    boolean doubted =
        acquireRefused
            && nanoTime.getAsLong() - acquireRefusedNanos < DOUBT_SECONDS * 1_000_000_000L;
    if (!doubted) {
      acquired();
    }
  }

  public void beatRefused() {
    standing = Standing.REFUSED;
  }
}
