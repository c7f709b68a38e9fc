package relay.redis.report;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import relay.redis.model.Dimension;
import relay.redis.model.Limits;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.GroupState;
import relay.redis.model.Remaining;
import relay.redis.model.Usage;

/**
 * Decides which of a provider's stated limits are worth a call to Redis. Every answer states them,
 * and nearly all repeat what is known: the same limits, and a remainder that our own use explains.
 *
 * <p>Five things are news. A limit differs from the last one, or the first one from what Redis has.
 * A limit is no longer in Redis. The remainder falls short of limit minus own use by more than a
 * twentieth of the limit: then the provider's bucket is smaller, or another user shares the
 * account. The remainder is less than a quarter of the limit: then another user may be the reason
 * although our own use would explain it. Or the group's burst is reduced: the remainder tells
 * whether it must be. A group has at most one news a second, or forty in a shorter window; if it
 * still holds, the next answer repeats it. Thread-safe.
 */
public final class LimitNews {
  private static final int MOST_GROUPS = 20_000;
  private static final long PAUSE_NANOS = 1_000_000_000L;
  private static final int MOST_A_WINDOW = 40; // news of a group, if the window is short
  private static final double NOTABLE = 0.05;
  private static final double SCARCE = 0.25;
  private static final double SMALL = 0.95; // what answers prove of a whole bucket is a little less

  /**
   * Reported limits that are missing in a snapshot after this time were lost by Redis, or expired.
   */
  private static final long KNOWN_NANOS = 10_000_000_000L;

  private static final Usage UNUSED = new Usage(0, 0, 0);

  private final Map<String, Reported> reported = new ConcurrentHashMap<>();
  private volatile Known known = new Known(null, Map.of());

  /** The last news of a group. */
  record Reported(Limits limits, Remaining remaining, long nanos) {}

  private record Known(@Nullable PoolSnapshot snapshot, Map<String, GroupState> groups) {}

  /**
   * Whether to report the answer to Redis. If so, it is recorded as reported.
   *
   * @param latest last snapshot of the pool; null for none
   * @param nanos now, on a monotonic clock
   */
  public boolean isNews(
      String group,
      Limits limits,
      Remaining remaining,
      @Nullable PoolSnapshot latest,
      Duration window,
      long nanos) {
    long pauseNanos = Math.min(PAUSE_NANOS, window.toNanos() / MOST_A_WINDOW);
    Reported before = reported.get(group);
    if (!limits.areKnown()
        || (before != null && nanos - before.nanos() < pauseNanos)
        || (before == null && reported.size() >= MOST_GROUPS)) {
      return false;
    }
    Limits all = before == null ? limits : completed(limits, before.limits());
    GroupState state = latest == null ? null : state(group, latest);
    boolean news =
        (before == null ? !confirms(limits, state) : !all.equals(before.limits()))
            || (before != null && nanos - before.nanos() >= KNOWN_NANOS && isLost(limits, state))
            || (state != null && state.burst() < SMALL && !remaining.equals(Remaining.NONE))
            || lower(limits, remaining, state == null ? UNUSED : state.used());
    if (news || before == null) {
      reported.put(group, new Reported(all, remaining, nanos));
    }
    return news;
  }

  /** Forgets all other groups. */
  void retain(Collection<String> groups) {
    reported.keySet().retainAll(groups);
  }

  /** The report failed: after the pause the next answer is news again. */
  void lost(String group) {
    reported.computeIfPresent(
        group, (g, last) -> new Reported(Limits.UNKNOWN, Remaining.NONE, last.nanos()));
  }

  /** The last report of a group. */
  @Nullable Reported reported(String group) {
    return reported.get(group);
  }

  /** An answer without a limit does not revoke it. */
  private static Limits completed(Limits stated, Limits before) {
    return new Limits(
        stated.requests() > 0 ? stated.requests() : before.requests(),
        stated.inputTokens() > 0 ? stated.inputTokens() : before.inputTokens(),
        stated.outputTokens() > 0 ? stated.outputTokens() : before.outputTokens(),
        stated.totalTokens() > 0 ? stated.totalTokens() : before.totalTokens());
  }

  /** Whether a first answer states what holds already. Then it may travel with a heartbeat. */
  private static boolean confirms(Limits stated, @Nullable GroupState state) {
    for (Dimension d : Dimension.values()) {
      if (state == null || (stated.of(d) > 0 && stated.of(d) != state.limits().of(d))) {
        return false;
      }
    }
    return true;
  }

  private static boolean isLost(Limits stated, @Nullable GroupState state) {
    for (Dimension d : Dimension.values()) {
      if (state != null && stated.of(d) > 0 && state.learned().of(d) == 0) {
        return true;
      }
    }
    return false;
  }

  private static boolean lower(Limits limits, Remaining remaining, Usage used) {
    for (Dimension d : Dimension.values()) {
      long limit = limits.of(d);
      long left = remaining.of(d);
      if (limit > 0
          && left != Remaining.NOT_STATED
          && (left < SCARCE * limit || left < limit - used.of(d) - Math.max(1, NOTABLE * limit))) {
        return true;
      }
    }
    return false;
  }

  @SuppressWarnings("ReferenceEquality") // compares identity: a newer snapshot, even an equal one
  private @Nullable GroupState state(String group, PoolSnapshot latest) {
    Known index = known;
    if (index.snapshot() != latest) {
      Map<String, GroupState> groups = new HashMap<>();
      for (GroupState g : latest.groups()) {
        groups.put(g.id(), g);
      }
      index = new Known(latest, groups);
      known = index;
    }
    return index.groups().get(group);
  }
}
