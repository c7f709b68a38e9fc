package relay.trial;

import java.time.Duration;
import relay.trial.load.PoolView;

/**
 * From when on a run is judged, and when it is over. It begins two windows after the pool was first
 * seen full: an idle pool's burst, and what replicas leave unused while their JVMs are cold, come
 * round again a window later. It is whole windows, or it would matter at what point of its window
 * an uneven flow is cut. A pool that does not fill up is judged all the same, after a while.
 */
final class Saturation {
  /** Of the limit that binds, by every key's own count. */
  private static final double FULL_SHARE = 0.95;

  private static final long LEAST_BEFORE_TENTHS = 25; // of a window, as are the next two
  private static final long AFTER_FULL_TENTHS = 20;
  private static final long JUDGED_TENTHS = 30;
  private static final long PATIENCE_TENTHS = 60;

  private final long startNanos;
  private final long tenthNanos;
  private long fullNanos;
  private boolean full;

  /**
   * @param startNanos when the load begins
   */
  Saturation(long startNanos, Duration window) {
    this.startNanos = startNanos;
    tenthNanos = window.toNanos() / 10;
  }

  /** More than a load has to last: the pool is looked at now and then. */
  static Duration longest(Duration window) {
    long tenths = PATIENCE_TENTHS + AFTER_FULL_TENTHS + JUDGED_TENTHS;
    return window.multipliedBy(tenths).dividedBy(10).plus(window);
  }

  /** What a pool looked like. */
  void saw(PoolView pool, long nowNanos) {
    boolean waited = nowNanos - startNanos >= PATIENCE_TENTHS * tenthNanos;
    boolean isFull = pool.groups().stream().allMatch(group -> group.share() >= FULL_SHARE);
    if (!full && (waited || (isFull && !pool.groups().isEmpty()))) {
      full = true;
      fullNanos = nowNanos;
    }
  }

  /** Where the judged time begins; an estimate as long as the pool is not full. */
  long fromNanos(long nowNanos) {
    long sinceFull = (full ? fullNanos : nowNanos) + AFTER_FULL_TENTHS * tenthNanos;
    return Math.max(startNanos + LEAST_BEFORE_TENTHS * tenthNanos, sinceFull);
  }

  /** Where it ends. */
  long untilNanos(long nowNanos) {
    return fromNanos(nowNanos) + JUDGED_TENTHS * tenthNanos;
  }

  boolean isSteady(long nowNanos) {
    return full && nowNanos >= fromNanos(nowNanos);
  }

  boolean isOver(long nowNanos) {
    return full && nowNanos >= untilNanos(nowNanos);
  }
}
