package relay.trial;

import java.time.Duration;
import relay.trial.load.PoolView;

/**
 * The measured part of a run. It begins some windows after the pool is first seen full: the burst
 * of an idle pool, and the capacity that cold JVMs leave unused, show again a window later. It
 * lasts whole windows, so that the result of an uneven flow does not depend on the cut. A pool that
 * does not fill up is measured after a while all the same.
 */
final class Saturation {
  /** Used share of every key's binding limit. */
  private static final double FULL_SHARE = 0.95;

  private static final long LEAST_BEFORE_TENTHS = 25; // of a window, as the next ones
  private static final long PATIENCE_TENTHS = 60;

  private final long startNanos;
  private final long tenthNanos;
  private final long afterFullTenths;
  private final long judgedTenths;
  private long fullNanos;
  private boolean full;

  /**
   * @param startNanos the start of the load
   */
  Saturation(long startNanos, TrialPlan plan) {
    this.startNanos = startNanos;
    tenthNanos = plan.window().toNanos() / 10;
    afterFullTenths = 10L * plan.afterFull();
    judgedTenths = 10L * plan.measured();
  }

  /** An upper bound of the time that a load lasts; the pool is only polled now and then. */
  Duration longest() {
    return Duration.ofNanos((PATIENCE_TENTHS + afterFullTenths + judgedTenths + 10) * tenthNanos);
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
    long sinceFull = (full ? fullNanos : nowNanos) + afterFullTenths * tenthNanos;
    return Math.max(startNanos + LEAST_BEFORE_TENTHS * tenthNanos, sinceFull);
  }

  /** The end of the measured time. */
  long untilNanos(long nowNanos) {
    return fromNanos(nowNanos) + judgedTenths * tenthNanos;
  }

  boolean isSteady(long nowNanos) {
    return full && nowNanos >= fromNanos(nowNanos);
  }

  boolean isOver(long nowNanos) {
    return full && nowNanos >= untilNanos(nowNanos);
  }
}
