package relay.redis.lease;

import static relay.redis.script.RedisKeys.bytes;

import java.util.List;
import relay.redis.model.Limits;
import relay.redis.model.Usage;

/**
 * Usage at a time, which Redis gets later.
 *
 * @param nanos when, by {@link System#nanoTime}; the last time if it was used over a time
 */
public record Used(Usage usage, long nanos) {
  /**
   * What a lease is charged by now: its reservation since the grant, as Redis does, and the rest
   * now. Output of which reports tell was made until now.
   */
  static List<Used> of(TrackedLease lease, Usage cost, long now) {
    if (lease.isReported()) {
      return List.of(new Used(cost, now));
    }
    Usage reserved =
        new Usage(
            cost.requests(),
            Math.min(cost.inputTokens(), lease.inputTokens()),
            Math.min(cost.outputTokens(), lease.outputTokens()));
    Used first = new Used(reserved, lease.recentNanos());
    Usage over =
        new Usage(
            0,
            cost.inputTokens() - reserved.inputTokens(),
            cost.outputTokens() - reserved.outputTokens());
    return over.totalTokens() == 0 ? List.of(first) : List.of(first, new Used(over, now));
  }

  /** The reservation of a running lease, or its output so far if that is more. */
  static Used ofRunning(TrackedLease lease, long now) {
    long output = Math.max(lease.outputTokens(), lease.reportedMade());
    return new Used(
        new Usage(1, lease.inputTokens(), output), lease.isReported() ? now : lease.recentNanos());
  }

  /** The usage as arguments of a script: its age and its amounts. */
  public void appendTo(List<byte[]> args, long now) {
    args.add(bytes(Math.clamp((now - nanos) / 1_000, 0, Limits.MAX)));
    args.add(bytes(usage.requests()));
    args.add(bytes(usage.inputTokens()));
    args.add(bytes(usage.outputTokens()));
  }
}
