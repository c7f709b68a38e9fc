package relay.redis;

import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import relay.redis.Acquisition.Exhausted;
import relay.redis.Acquisition.Impossible;
import relay.redis.Acquisition.Reason;

/**
 * A replica's own accounting while Redis cannot be asked: its share of nine tenths of every limit,
 * split among the replicas last seen alive. It starts empty, for the windows that nobody can read
 * now may be full, and saves up at most a twentieth of its share. What it grants is remembered by
 * group and charged when Redis is back.
 */
final class FairShare {
  private static final double SHARE = 0.9;
  private static final int SAVED = 20;

  private final PoolPlan plan;
  private final LongSupplier nanoTime;
  private final Map<String, Map<Dimension, Double>> saved = new HashMap<>();
  private final Map<String, Long> cooling = new HashMap<>();
  private final Map<String, Integer> inFlight = new HashMap<>();
  private final Map<String, Usage> owed = new HashMap<>();
  private long filledAt;
  private boolean active;
  private int turn;

  FairShare(PoolPlan plan, LongSupplier nanoTime) {
    this.plan = plan;
    this.nanoTime = nanoTime;
  }

  /** A choice made without Redis. */
  sealed interface Choice {
    record Taken(KeyPlan key, String group, long inputTokens, long outputTokens)
        implements Choice {}

    record Refused(Acquisition why) implements Choice {}
  }

  /**
   * Chooses a key and takes the demand from its group's share.
   *
   * @param replicas among how many the limits are split
   * @param limited false to choose without regard to limits
   */
  synchronized Choice choose(Demand demand, int replicas, boolean limited) {
    double share = SHARE / Math.max(1, replicas);
    fill(share);
    long wait = Long.MAX_VALUE;
    Reason reason = Reason.COOLDOWN;
    Impossible impossible = null;
    List<KeyPlan> keys = plan.keys();
    for (int n = 0; n < keys.size(); n++) {
      KeyPlan key = keys.get(Math.floorMod(turn + n, keys.size()));
      String group = PoolPlan.group(key.account(), demand.modelClass());
      Limits limits = limited ? plan.limitsOf(group) : Limits.UNKNOWN;
      Impossible tooLarge = tooLarge(limits, demand);
      if (tooLarge != null) {
        impossible = tooLarge;
        continue;
      }
      Wait w = waitOf(key, group, limits, demand, share, replicas, limited);
      if (w.nanos() == 0) {
        turn = Math.floorMod(turn + n + 1, keys.size());
        return take(key, group, demand);
      }
      if (w.nanos() < wait) {
        wait = w.nanos();
        reason = w.reason();
      }
    }
    if (wait == Long.MAX_VALUE && impossible != null) {
      return new Choice.Refused(impossible);
    }
    return new Choice.Refused(new Exhausted(Duration.ofNanos(wait), reason));
  }

  private record Wait(long nanos, Reason reason) {}

  private Wait waitOf(
      KeyPlan key,
      String group,
      Limits limits,
      Demand demand,
      double share,
      int replicas,
      boolean limited) {
    long now = nanoTime.getAsLong();
    long cool =
        Math.max(cooling.getOrDefault(group, now) - now, cooling.getOrDefault(key.id(), now) - now);
    if (cool > 0) {
      return new Wait(cool, Reason.COOLDOWN);
    }
    if (limited
        && key.maxConcurrent() > 0
        && inFlight.getOrDefault(key.id(), 0)
            >= Math.max(1, key.maxConcurrent() / Math.max(1, replicas))) {
      return new Wait(1_000_000_000L, Reason.CONCURRENCY);
    }
    long longest = 0;
    Reason reason = Reason.COOLDOWN;
    Map<Dimension, Double> have = savedOf(group);
    for (Dimension d : Dimension.values()) {
      double limit = limits.of(d) * share;
      // A larger request goes into debt, which the next ones wait for.
      double need = Math.min((double) cost(d, demand), limit / SAVED);
      double missing = need - have.getOrDefault(d, 0.0);
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
    Map<Dimension, Double> have = savedOf(group);
    for (Dimension d : Dimension.values()) {
      have.merge(d, (double) -cost(d, demand), Double::sum);
    }
    inFlight.merge(key.id(), 1, Integer::sum);
    owed.merge(group, new Usage(1, demand.inputTokens(), demand.outputTokens()), Usage::plus);
    return new Choice.Taken(key, group, demand.inputTokens(), demand.outputTokens());
  }

  /** A lease that was granted here has ended; overage is owed, a refund is not claimed. */
  synchronized void end(Lease lease, long inputTokens, long outputTokens) {
    inFlight.computeIfPresent(lease.key(), (k, n) -> n > 1 ? n - 1 : null);
    Usage over =
        new Usage(
            0,
            Math.max(0, inputTokens - lease.inputTokens()),
            Math.max(0, outputTokens - lease.outputTokens()));
    if (over.totalTokens() > 0) {
      owed.merge(lease.group(), over, Usage::plus);
    }
  }

  /** Keeps a key or a group out of use. */
  synchronized void cool(String keyOrGroup, Duration howLong) {
    cooling.merge(keyOrGroup, nanoTime.getAsLong() + howLong.toNanos(), Math::max);
  }

  /** Redis is back: what is owed, by group. The next outage starts empty again. */
  synchronized Map<String, Usage> handOver() {
    active = false;
    cooling.clear();
    Map<String, Usage> all = Map.copyOf(owed);
    owed.clear();
    return all;
  }

  private void fill(double share) {
    long now = nanoTime.getAsLong();
    if (!active) {
      active = true;
      saved.clear();
      filledAt = now;
    }
    double passed = (double) (now - filledAt) / plan.window().toNanos();
    filledAt = now;
    for (String group : plan.groups()) {
      Map<Dimension, Double> have = savedOf(group);
      for (Dimension d : Dimension.values()) {
        double limit = plan.limitsOf(group).of(d) * share;
        have.put(d, Math.min(limit / SAVED, have.getOrDefault(d, 0.0) + passed * limit));
      }
    }
  }

  private Map<Dimension, Double> savedOf(String group) {
    return saved.computeIfAbsent(group, g -> new EnumMap<>(Dimension.class));
  }

  private static long cost(Dimension d, Demand demand) {
    return switch (d) {
      case REQUESTS -> 1;
      case INPUT_TOKENS -> demand.inputTokens();
      case OUTPUT_TOKENS -> demand.outputTokens();
      case TOTAL_TOKENS -> demand.inputTokens() + demand.outputTokens();
    };
  }

  private static @Nullable Impossible tooLarge(Limits limits, Demand demand) {
    for (Dimension d : Dimension.values()) {
      if (limits.of(d) > 0 && cost(d, demand) > 2 * limits.of(d)) {
        return new Impossible(d, limits.of(d));
      }
    }
    return null;
  }
}
