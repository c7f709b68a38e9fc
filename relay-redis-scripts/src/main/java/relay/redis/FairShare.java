package relay.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.redis.Acquisition.Exhausted;
import relay.redis.Acquisition.Impossible;
import relay.redis.Acquisition.NoneUsable;
import relay.redis.Acquisition.Reason;
import relay.redis.PoolSnapshot.GroupState;

/**
 * A replica's own accounting while Redis cannot be asked: its share of nine tenths of every limit,
 * split among the replicas last seen alive. It starts empty, for the windows that nobody can read
 * now may be full, and saves up at most a twentieth of its share. What it grants is remembered by
 * group for a window, and charged when Redis is back.
 */
final class FairShare {
  private static final double SHARE = 0.9;
  private static final int SAVED = 20;

  private PoolPlan plan; // guarded by this, as all that changes
  private final LongSupplier nanoTime;
  private final Map<String, Saved> saved = new HashMap<>();
  private final Map<String, Long> cooling = new HashMap<>();
  private final Map<String, Integer> inFlight = new HashMap<>();
  private final OutageUsage owed;
  private List<List<KeyPlan>> tiers;
  private @Nullable PoolSnapshot seen;
  private Set<String> out = Set.of(); // quarantined when last seen
  private Map<String, Limits> limits = Map.of(); // of groups when last seen: with what was learned
  private long began;
  private boolean active;
  private int turn;

  FairShare(PoolPlan plan, LongSupplier nanoTime) {
    this.plan = plan;
    this.nanoTime = nanoTime;
    owed = new OutageUsage(plan.window());
    tiers = tiers(plan);
  }

  private static List<List<KeyPlan>> tiers(PoolPlan plan) {
    NavigableMap<Integer, List<KeyPlan>> byPriority = new TreeMap<>();
    for (KeyPlan key : plan.keys()) {
      byPriority.computeIfAbsent(key.priority(), p -> new ArrayList<>()).add(key);
    }
    return List.copyOf(byPriority.descendingMap().values());
  }

  /** Choices that are made from now on use this plan. */
  synchronized void reconfigure(PoolPlan next) {
    plan = next;
    tiers = tiers(next);
    Set<String> groups = Set.copyOf(next.groups());
    Set<String> keys = next.keys().stream().map(KeyPlan::id).collect(Collectors.toSet());
    saved.keySet().retainAll(groups);
    cooling.keySet().removeIf(id -> !groups.contains(id) && !keys.contains(id));
  }

  /** What a group has saved up by dimension, and when that was. */
  private static final class Saved {
    final Map<Dimension, Double> amounts = new EnumMap<>(Dimension.class);
    long at;

    Saved(long at) {
      this.at = at;
    }

    double of(Dimension d) {
      return amounts.getOrDefault(d, 0.0);
    }
  }

  /** A choice made without Redis. */
  sealed interface Choice {
    record Taken(KeyPlan key, String group, long inputTokens, long outputTokens)
        implements Choice {}

    record Refused(Acquisition why) implements Choice {}
  }

  /**
   * Chooses a key and takes the demand from its group's share: of the highest priority that can
   * carry it, in turn, and one to avoid only if there is no other. Keys that were quarantined when
   * Redis was last seen are left out, and those that were cooling down for as long as was left.
   *
   * @param last what was last seen in Redis: quarantines, limits, and among how many to split them
   * @param limited false to choose without regard to limits
   */
  synchronized Choice choose(Demand demand, @Nullable PoolSnapshot last, boolean limited) {
    Choice choice = find(demand, last, limited);
    return choice instanceof Choice.Taken t ? take(t.key(), t.group(), demand) : choice;
  }

  /** Chooses a key for a request that no limit counts, and takes nothing. */
  synchronized Choice pick(Demand demand, @Nullable PoolSnapshot last) {
    return find(demand, last, false);
  }

  private Choice find(Demand demand, @Nullable PoolSnapshot last, boolean limited) {
    int replicas = last == null ? 1 : Math.max(1, last.replicas());
    begin(Duration.ZERO);
    if (!Objects.equals(last, seen)) {
      seen = last;
      out = quarantined(last);
      limits = limits(last);
      coolAsSeen(last);
    }
    if (plan.keys().stream().allMatch(key -> out.contains(key.id()))) {
      return new Choice.Refused(new NoneUsable());
    }
    Search search = new Search(demand, replicas, limited);
    for (boolean avoided : new boolean[] {false, true}) {
      for (List<KeyPlan> tier : tiers) {
        KeyPlan key = search.in(tier, avoided);
        if (key != null) {
          String group = PoolPlan.group(key.account(), demand.modelClass());
          return new Choice.Taken(key, group, demand.inputTokens(), demand.outputTokens());
        }
      }
    }
    return new Choice.Refused(search.refusal());
  }

  /**
   * An outage begins, if none is under way, with nothing saved up but what came together since.
   *
   * @param ago when Redis was asked last in vain, and who asked has waited since
   */
  synchronized void begin(Duration ago) {
    if (!active) {
      active = true;
      saved.clear();
      began = nanoTime.getAsLong() - ago.toNanos();
    }
  }

  private static Set<String> quarantined(@Nullable PoolSnapshot last) {
    if (last == null) {
      return Set.of();
    }
    return last.keys().stream()
        .filter(k -> k.quarantine() != null)
        .map(PoolSnapshot.KeyState::id)
        .collect(Collectors.toSet());
  }

  private void coolAsSeen(@Nullable PoolSnapshot last) {
    if (last != null) {
      last.groups().forEach(group -> cool(group.id(), group.cooldown()));
      last.keys().forEach(key -> cool(key.id(), key.cooldown()));
    }
  }

  private static Map<String, Limits> limits(@Nullable PoolSnapshot last) {
    return last == null
        ? Map.of()
        : last.groups().stream().collect(Collectors.toMap(GroupState::id, GroupState::limits));
  }

  private Limits limitsOf(String group) {
    Limits known = limits.get(group);
    return known == null ? plan.limitsOf(group) : known;
  }

  /** One choice under way: what it looks for and what it found in the way. */
  private final class Search {
    final Demand demand;
    final int replicas;
    final boolean limited;
    private long wait = Long.MAX_VALUE;
    private Reason reason = Reason.COOLDOWN;
    private @Nullable Impossible impossible;
    private boolean keptFrom; // a key that is large enough, by its quarantine

    Search(Demand demand, int replicas, boolean limited) {
      this.demand = demand;
      this.replicas = replicas;
      this.limited = limited;
    }

    @Nullable KeyPlan in(List<KeyPlan> tier, boolean avoided) {
      for (int n = 0; n < tier.size(); n++) {
        KeyPlan key = tier.get(Math.floorMod(turn + n, tier.size()));
        boolean wanted = demand.key().isEmpty() || demand.key().equals(key.id());
        if (!wanted || demand.avoid().contains(key.id()) != avoided) {
          continue;
        }
        String group = PoolPlan.group(key.account(), demand.modelClass());
        Limits most = limited ? limitsOf(group) : Limits.UNKNOWN;
        Impossible tooLarge = tooLarge(most, demand);
        if (out.contains(key.id())) {
          keptFrom |= tooLarge == null;
          continue;
        }
        if (tooLarge != null) {
          impossible = tooLarge;
          continue;
        }
        Wait w = waitOf(key, group, most, demand, replicas, limited);
        if (w.nanos() == 0) {
          turn = Math.floorMod(turn + n + 1, tier.size());
          return key;
        }
        if (w.nanos() < wait) {
          wait = w.nanos();
          reason = w.reason();
        }
      }
      return null;
    }

    Acquisition refusal() {
      if (wait < Long.MAX_VALUE) {
        return new Exhausted(Duration.ofNanos(wait), reason);
      }
      return impossible == null || keptFrom ? new NoneUsable() : impossible;
    }
  }

  private record Wait(long nanos, Reason reason) {}

  private Wait waitOf(
      KeyPlan key, String group, Limits most, Demand demand, int replicas, boolean limited) {
    double share = SHARE / replicas;
    long now = nanoTime.getAsLong();
    long cool =
        Math.max(cooling.getOrDefault(group, now) - now, cooling.getOrDefault(key.id(), now) - now);
    if (cool > 0) {
      return new Wait(cool, Reason.COOLDOWN);
    }
    if (limited
        && key.maxConcurrent() > 0
        && inFlight.getOrDefault(key.id(), 0) >= Math.max(1, key.maxConcurrent() / replicas)) {
      return new Wait(1_000_000_000L, Reason.CONCURRENCY);
    }
    long longest = 0;
    Reason reason = Reason.COOLDOWN;
    Saved have = filled(group, share, now);
    for (Dimension d : Dimension.values()) {
      double limit = most.of(d) * share;
      // A larger request goes into debt, which the next ones wait for.
      double need = Math.min((double) cost(d, demand), limit / SAVED);
      double missing = need - have.of(d);
      if (limit > 0 && missing > 0) {
        double perNano = limit / plan.window().toNanos();
        long nanos = (long) Math.ceil(missing / perNano) + 1;
        if (nanos > longest) {
          longest = nanos;
          reason = Reason.of(d);
        }
      }
    }
    return new Wait(longest, reason);
  }

  private Choice take(KeyPlan key, String group, Demand demand) {
    Saved have = saved.computeIfAbsent(group, g -> new Saved(began));
    for (Dimension d : Dimension.values()) {
      have.amounts.merge(d, (double) -cost(d, demand), Double::sum);
    }
    inFlight.merge(key.id(), 1, Integer::sum);
    Usage used = new Usage(1, demand.inputTokens(), demand.outputTokens());
    owed.add(group, used, nanoTime.getAsLong());
    return new Choice.Taken(key, group, demand.inputTokens(), demand.outputTokens());
  }

  /**
   * A lease that was granted here has ended; overage is owed, a refund is not claimed.
   *
   * @return whether anything is owed
   */
  synchronized boolean end(Lease lease, long inputTokens, long outputTokens) {
    inFlight.computeIfPresent(lease.key(), (k, n) -> n > 1 ? n - 1 : null);
    Usage over =
        new Usage(
            0,
            Math.max(0, inputTokens - lease.inputTokens()),
            Math.max(0, outputTokens - lease.outputTokens()));
    if (over.totalTokens() > 0) {
      owed.add(lease.group(), over, nanoTime.getAsLong());
    }
    return over.totalTokens() > 0;
  }

  /** Whether no lease that was granted here lives. */
  synchronized boolean isIdle() {
    return inFlight.isEmpty();
  }

  /** Keeps a key or a group out of use. */
  synchronized void cool(String keyOrGroup, Duration howLong) {
    cooling.merge(keyOrGroup, nanoTime.getAsLong() + howLong.toNanos(), Math::max);
  }

  /** Redis answers, whatever was granted here: the next outage starts empty again. */
  synchronized void rest() {
    if (active) {
      active = false;
      cooling.clear();
    }
  }

  /** Redis is back: what is owed, by group, of the last window. */
  synchronized Map<String, Usage> handOver() {
    rest();
    return owed.take(nanoTime.getAsLong());
  }

  /** What a group has saved up by now. */
  private Saved filled(String group, double share, long now) {
    Saved have = saved.computeIfAbsent(group, g -> new Saved(began));
    double passed = (double) (now - have.at) / plan.window().toNanos();
    have.at = now;
    for (Dimension d : Dimension.values()) {
      double limit = limitsOf(group).of(d) * share;
      have.amounts.put(d, Math.min(limit / SAVED, have.of(d) + passed * limit));
    }
    return have;
  }

  private static long cost(Dimension d, Demand demand) {
    return switch (d) {
      case REQUESTS -> 1;
      case INPUT_TOKENS -> demand.inputTokens();
      case OUTPUT_TOKENS -> demand.outputTokens();
      case TOTAL_TOKENS -> demand.inputTokens() + demand.outputTokens();
    };
  }

  private static @Nullable Impossible tooLarge(Limits most, Demand demand) {
    for (Dimension d : Dimension.values()) {
      if (most.of(d) > 0 && cost(d, demand) > 2 * most.of(d)) {
        return new Impossible(d, most.of(d));
      }
    }
    return null;
  }
}
