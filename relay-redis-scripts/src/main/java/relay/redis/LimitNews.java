package relay.redis;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import relay.redis.PoolSnapshot.GroupState;

/**
 * Which of a provider's words on limits are worth a call to Redis. Every answer carries them, and
 * nearly all say what is known: the same limits, and no less left than our own use explains.
 *
 * <p>News are limits that differ from the last, and a remainder that is lower than limit less used
 * by more than a twentieth of the limit, since someone else uses the account then; and a limit that
 * Redis no longer knows. Of a group there is one news a second at most: what is still true then
 * comes with the next answer. Thread-safe.
 */
final class LimitNews {
  private static final int MOST_GROUPS = 20_000;
  private static final long PAUSE_NANOS = 1_000_000_000;
  private static final double NOTABLE = 0.05;

  /** What was told so long ago and is not in the snapshot, Redis has lost or let expire. */
  private static final long KNOWN_NANOS = 10_000_000_000L;

  private static final Usage UNUSED = new Usage(0, 0, 0);

  private final Map<String, Told> told = new ConcurrentHashMap<>();
  private volatile Known known = new Known(null, Map.of());

  /** What was last news of a group. */
  record Told(Limits limits, Remaining remaining, long nanos) {}

  private record Known(@Nullable PoolSnapshot snapshot, Map<String, GroupState> groups) {}

  /**
   * Whether to tell Redis; if so, it counts as told.
   *
   * @param latest what this replica knows of the pool; null for nothing
   * @param nanos now, on a monotonic clock
   */
  boolean isNews(
      String group, Limits limits, Remaining remaining, @Nullable PoolSnapshot latest, long nanos) {
    Told before = told.get(group);
    if (!limits.areKnown()
        || (before != null && nanos - before.nanos() < PAUSE_NANOS)
        || (before == null && told.size() >= MOST_GROUPS)) {
      return false;
    }
    Limits all = before == null ? limits : completed(limits, before.limits());
    GroupState state = latest == null ? null : state(group, latest);
    boolean news =
        before == null
            || !all.equals(before.limits())
            || (nanos - before.nanos() >= KNOWN_NANOS && isLost(limits, state))
            || lower(limits, remaining, state == null ? UNUSED : state.used());
    if (news) {
      told.put(group, new Told(all, remaining, nanos));
    }
    return news;
  }

  /** Forgets all other groups. */
  void retain(Collection<String> groups) {
    told.keySet().retainAll(groups);
  }

  /** Redis did not get it: the next answer is news again. */
  void forget(String group) {
    told.remove(group);
  }

  /** What was last told of a group. */
  @Nullable Told told(String group) {
    return told.get(group);
  }

  /** An answer that leaves a limit out does not say that it is gone. */
  private static Limits completed(Limits stated, Limits before) {
    return new Limits(
        stated.requests() > 0 ? stated.requests() : before.requests(),
        stated.inputTokens() > 0 ? stated.inputTokens() : before.inputTokens(),
        stated.outputTokens() > 0 ? stated.outputTokens() : before.outputTokens(),
        stated.totalTokens() > 0 ? stated.totalTokens() : before.totalTokens());
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
          && left < limit - used.of(d) - Math.max(1, NOTABLE * limit)) {
        return true;
      }
    }
    return false;
  }

  @SuppressWarnings("ReferenceEquality") // whether it is a newer one, whatever it says
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
