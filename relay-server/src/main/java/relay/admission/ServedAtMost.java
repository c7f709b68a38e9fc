package relay.admission;

import java.time.Duration;
import relay.redis.KeyPool;
import relay.redis.model.Dimension;
import relay.redis.model.LeaseRef;
import relay.redis.model.Limits;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.GroupState;

/**
 * The most that a provider can have served since a lease began: two windows' limits, and what
 * flowed in meanwhile. A worker that tells more has counted something else. The limits are not
 * charged more, for a debt of any size would keep the account from everybody until it is paid off.
 */
record ServedAtMost(Limits limits, double windows, LeaseRef lease) {
  private static final double AT_ONCE = 2;

  /**
   * @param nowMicros since the epoch
   */
  static ServedAtMost since(LeaseRef lease, KeyPool pool, long nowMicros) {
    Duration window = pool.plan().window();
    double passed = Math.max(0, nowMicros - lease.grantedMicros()) / (window.toNanos() / 1_000d);
    return new ServedAtMost(limits(lease, pool), AT_ONCE + passed, lease);
  }

  private static Limits limits(LeaseRef lease, KeyPool pool) {
    Limits stated = pool.plan().limitsOf(lease.group());
    PoolSnapshot latest = pool.latest();
    return stated.areKnown() || latest == null
        ? stated
        : latest.groups().stream() // they may be learned
            .filter(group -> group.id().equals(lease.group()))
            .map(GroupState::limits)
            .findFirst()
            .orElse(stated);
  }

  /** As much of the input and output as may be. */
  Charge of(Charge told) {
    return new Charge(
        Math.min(told.inputTokens(), most(Dimension.INPUT_TOKENS, lease.inputTokens())),
        output(told.outputTokens()));
  }

  /** As much of the output as may be. */
  long output(long told) {
    return Math.min(told, most(Dimension.OUTPUT_TOKENS, lease.outputTokens()));
  }

  private long most(Dimension dimension, long reserved) {
    long limit = least(limits.of(dimension), limits.of(Dimension.TOTAL_TOKENS));
    return limit == 0 ? Limits.MAX : Math.max(reserved, (long) Math.ceil(limit * windows));
  }

  /** 0 is no limit. */
  private static long least(long a, long b) {
    return a == 0 || b == 0 ? Math.max(a, b) : Math.min(a, b);
  }
}
