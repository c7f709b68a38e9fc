package relay.trial;

import java.time.Duration;
import relay.trial.load.PoolView;

/**
 * The measured part of a run. It begins two windows after the pool is first seen full: the burst of
 * an idle pool, and the capacity that cold JVMs leave unused, show again a window later. It lasts
 * whole windows, so that the result of an uneven flow does not depend on the cut. A pool that does
 * not fill up is measured after a while all the same.
 */
final class Saturation {
  /** Used share of every key's binding limit. */
  private static final double FULL_SHARE = 0.95;

  private static final long LEAST_BEFORE_TENTHS = 25; // of a window, as the next ones
  private static final long AFTER_FULL_TENTHS = 20;
  private static final long JUDGED_TENTHS = 30;
  private static final long PATIENCE_TENTHS = 60;

  private final long startNanos;
  private final long tenthNanos;
  private long fullNanos;
  private boolean full;

  /**
   * @param startNanos the start of the load
   */
  Saturation(long startNanos, Duration window) {
    this.startNanos = startNanos;
    tenthNanos = window.toNanos() / 10;
  }

  /** An upper bound of the time that a load lasts; the pool is only polled now and then. */
  static Duration longest(Duration window) {
    long tenths = PATIENCE_TENTHS + AFTER_FULL_TENTHS + JUDGED_TENTHS;
    return window.multipliedBy(tenths).dividedBy(10).plus(window);
  }

  /** Takes the latest view of the pool. */
  void observe(PoolView pool, long nowNanos) {
    boolean waited = nowNanos - startNanos >= PATIENCE_TENTHS * tenthNanos;
    boolean isFull = pool.groups().stream().allMatch(group -> group.share() >= FULL_SHARE);
    if (!full && (waited || (isFull && !pool.groups().isEmpty()))) {
      full = true;
      fullNanos = nowNanos;
    }
  }

  /** The start of the measured time; an estimate until the pool is full. */
  long fromNanos(long nowNanos) {
    long sinceFull = (full ? fullNanos : nowNanos) + AFTER_FULL_TENTHS * tenthNanos;
    return Math.max(startNanos + LEAST_BEFORE_TENTHS * tenthNanos, sinceFull);
  }

  /** The end of the measured time. */
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
