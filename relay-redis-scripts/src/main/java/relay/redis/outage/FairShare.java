package relay.redis.outage;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.redis.link.RedisLink;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Impossible;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.Demand;
import relay.redis.model.Dimension;
import relay.redis.model.EngineOptions;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.Usage;

/**
 * A replica's own accounting while Redis is unreachable. The replica may use nine tenths of every
 * limit, divided by the number of replicas last seen alive ({@link CutOff}). Its credit starts
 * empty, because the windows in Redis may be full, and grows to at most a twentieth of its share.
 * Its grants of the last window are charged, by group, when Redis is back.
 */
public final class FairShare {
  private static final double SHARE = 0.9;
  static final int CREDIT_DIVISOR = 20;

  private PoolPlan plan; // guarded by this, as all that changes
  private final LongSupplier nanoTime;
  private final CutOff cutOff;
  private final Map<String, Credit> credits = new HashMap<>();
  private final Map<String, Long> cooling = new HashMap<>();
  private final Map<String, Integer> inFlight = new HashMap<>();
  private final OutageUsage outageUsage;
  private final LastSeen seen;
  private List<List<KeyPlan>> tiers;
  private Map<String, KeyPlan> named; // by id
  private long outageBegan;
  private boolean inOutage;
  private int nextKey;

  public static FairShare of(PoolPlan plan, RedisLink link, EngineOptions options) {
    return new FairShare(plan, System::nanoTime, CutOff.of(options, plan.window(), link));
  }

  public FairShare(PoolPlan plan, LongSupplier nanoTime, CutOff cutOff) {
    this.plan = plan;
    this.nanoTime = nanoTime;
    this.cutOff = cutOff;
    outageUsage = new OutageUsage(plan.window());
    seen = new LastSeen(nanoTime);
    tiers = tiers(plan);
    named = named(plan);
  }

  private static Map<String, KeyPlan> named(PoolPlan plan) {
    return plan.keys().stream().collect(Collectors.toMap(KeyPlan::id, Function.identity()));
  }

  private static List<List<KeyPlan>> tiers(PoolPlan plan) {
    NavigableMap<Integer, List<KeyPlan>> byPriority = new TreeMap<>();
    for (KeyPlan key : plan.keys()) {
      byPriority.computeIfAbsent(key.priority(), p -> new ArrayList<>()).add(key);
    }
    return List.copyOf(byPriority.descendingMap().values());
  }

  /** Choices that are made from now on use this plan. */
  public synchronized void reconfigure(PoolPlan next) {
    plan = next;
    tiers = tiers(next);
    named = named(next);
    Set<String> groups = Set.copyOf(next.groups());
    Set<String> keys = next.keys().stream().map(KeyPlan::id).collect(Collectors.toSet());
    credits.keySet().retainAll(groups);
    cooling.keySet().removeIf(id -> !groups.contains(id) && !keys.contains(id));
    seen.forgetRefused();
  }

  /** A choice made without Redis. */
  public sealed interface Choice {
    public record Taken(KeyPlan key, String group, long inputTokens, long outputTokens)
        implements Choice {

      /** The lease of a request that is granted without Redis. */
      Lease lease(Lease.End end, String id) {
        return new Lease(end, id, key.id(), group, inputTokens, outputTokens, 0, 0, 0, null);
      }
    }

    record Refused(Acquisition why) implements Choice {}
  }

  /**
   * Chooses a key and takes the demand from its group's credit. Keys of the highest priority that
   * can carry the request are used in turn; keys to avoid come last. Keys that were quarantined in
   * the last snapshot, or refused since then, are left out, and cooldowns seen there run to their
   * end.
   *
   * @param last last snapshot of Redis: quarantines, cooldowns, limits and number of replicas
   * @param limited false to ignore the limits
   */
  public synchronized Choice choose(Demand demand, @Nullable PoolSnapshot last, boolean limited) {
    Choice choice = find(demand, last, limited);
    return choice instanceof Choice.Taken t ? take(t.key(), t.group(), demand) : choice;
  }

  /** Chooses a key for an uncounted request, and takes no credit. */
  public synchronized Choice pick(Demand demand, @Nullable PoolSnapshot last) {
    return find(demand, last, false);
  }

  private Choice find(Demand demand, @Nullable PoolSnapshot last, boolean limited) {
    int replicas = cutOff.replicas(last);
    beginOutage(Duration.ZERO);
    seen.read(last, this::cool);
    if (plan.keys().stream().allMatch(key -> seen.isQuarantined(key.id()))) {
      return new Choice.Refused(new NoneUsable());
    }
    Search search = new Search(demand, replicas, limited);
    KeyPlan only = named.get(demand.key());
    List<List<KeyPlan>> asked = only == null ? tiers : List.of(List.of(only));
    for (boolean avoided : new boolean[] {false, true}) {
      for (List<KeyPlan> tier : asked) {
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
   * Begins an outage unless one has begun, with only the credit earned since then.
   *
   * @param ago time since the first unanswered call
   */
  synchronized void beginOutage(Duration ago) {
    if (!inOutage) {
      inOutage = true;
      credits.clear();
      outageBegan = nanoTime.getAsLong() - ago.toNanos();
    }
  }

  private Limits limitsOf(String group) {
    Limits known = seen.limitsOf(group);
    if (known == null) {
      known = plan.limitsOf(group);
    }
    int quota = group.lastIndexOf('+');
    return known.areKnown() || quota <= group.lastIndexOf('/')
        ? known
        : limitsOf(group.substring(0, quota)); // a sub-quota that Redis was not told of
  }

  /** A day's limits are a rate meanwhile. */
  private Limits paced(String group) {
    int quota = group.lastIndexOf('+');
    String owner = quota > group.lastIndexOf('/') ? group.substring(0, quota) : group;
    return plan.days().paced(owner, limitsOf(group), plan.window());
  }

  /** One choice: the demand, and the reasons why keys were rejected. */
  private final class Search {
    final Demand demand;
    final int replicas;
    final boolean limited;
    private long wait = Long.MAX_VALUE;
    private Reason reason = Reason.COOLDOWN;
    private @Nullable Impossible impossible;
    private boolean fitsQuarantined; // a large enough key is quarantined

    Search(Demand demand, int replicas, boolean limited) {
      this.demand = demand;
      this.replicas = replicas;
      this.limited = limited;
    }

    @Nullable KeyPlan in(List<KeyPlan> tier, boolean avoided) {
      for (int n = 0; n < tier.size(); n++) {
        KeyPlan key = tier.get(Math.floorMod(nextKey + n, tier.size()));
        boolean wanted = demand.key().isEmpty() || demand.key().equals(key.id());
        if (!wanted || demand.avoid().contains(key.id()) != avoided) {
          continue;
        }
        List<String> levels = PoolPlan.levels(PoolPlan.group(key.account(), demand.modelClass()));
        Impossible tooLarge = limited ? tooLarge(levels, demand) : null;
        if (seen.isQuarantined(key.id())) {
          fitsQuarantined |= tooLarge == null;
          continue;
        }
        if (tooLarge != null) {
          impossible = tooLarge;
          continue;
        }
        Wait w = waitOf(key, levels, demand, replicas, limited);
        if (!demand.kind().isEmpty()) {
          String group = PoolPlan.group(key.account(), demand.alike());
          w = w.orRefused(coolNanos(group, nanoTime.getAsLong()));
        }
        if (w.nanos() == 0) {
          nextKey = Math.floorMod(nextKey + n + 1, tier.size());
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
      return impossible == null || fitsQuarantined ? new NoneUsable() : impossible;
    }
  }

  private record Wait(long nanos, Reason reason) {
    Wait orRefused(long cool) {
      return cool > nanos ? new Wait(cool, Reason.COOLDOWN) : this;
    }
  }

  private long coolNanos(String keyOrGroup, long now) {
    return cooling.getOrDefault(keyOrGroup, now) - now;
  }

  private Wait waitOf(
      KeyPlan key, List<String> levels, Demand demand, int replicas, boolean limited) {
    long now = nanoTime.getAsLong();
    long cool = coolNanos(key.id(), now);
    for (String group : levels) {
      cool = Math.max(cool, coolNanos(group, now));
    }
    if (cool > 0) {
      return new Wait(cool, Reason.COOLDOWN);
    }
    if (limited
        && key.maxConcurrent() > 0
        && inFlight.getOrDefault(key.id(), 0) >= Math.max(1, key.maxConcurrent() / replicas)) {
      return new Wait(1_000_000_000L, Reason.CONCURRENCY);
    }
    Wait longest = new Wait(0, Reason.REQUESTS);
    for (String group : levels) {
      Wait wait = waitOf(group, limited ? paced(group) : Limits.UNKNOWN, demand, replicas, now);
      longest = wait.nanos() > longest.nanos() ? wait : longest;
    }
    return longest;
  }

  private Wait waitOf(String group, Limits most, Demand demand, int replicas, long now) {
    double share = cutOff.part(replicas) * SHARE / replicas;
    long longest = seen.isFull(group) ? cutOff.waitNanos(replicas) : 0;
    Reason reason = Reason.REQUESTS;
    Credit credit = credit(group);
    credit.refill(paced(group), share, plan.window(), now);
    for (Dimension d : Dimension.values()) {
      double limit = most.of(d) * share;
      // A larger request puts the group into debt, and later requests wait until it is paid.
      double need = Math.min((double) Credit.cost(d, demand), limit / CREDIT_DIVISOR);
      double missing = need - credit.of(d);
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

  private Credit credit(String group) {
    return credits.computeIfAbsent(group, g -> new Credit(outageBegan));
  }

  private Choice take(KeyPlan key, String group, Demand demand) {
    for (String level : PoolPlan.levels(group)) {
      credit(level).take(demand);
    }
    inFlight.merge(key.id(), 1, Integer::sum);
    Usage used = new Usage(1, demand.inputTokens(), demand.outputTokens());
    outageUsage.add(group, used, nanoTime.getAsLong());
    return new Choice.Taken(key, group, demand.inputTokens(), demand.outputTokens());
  }

  /**
   * Ends a lease granted during an outage. Usage beyond the reservation is kept for a later charge;
   * a smaller usage is not refunded.
   *
   * @return whether there is usage to charge
   */
  synchronized boolean end(Lease lease, long inputTokens, long outputTokens) {
    inFlight.computeIfPresent(lease.key(), (k, n) -> n > 1 ? n - 1 : null);
    Usage over =
        new Usage(
            0,
            Math.max(0, inputTokens - lease.inputTokens()),
            Math.max(0, outputTokens - lease.outputTokens()));
    if (over.totalTokens() > 0) {
      outageUsage.add(lease.group(), over, nanoTime.getAsLong());
    }
    return over.totalTokens() > 0;
  }

  /** Whether no lease that was granted here lives. */
  public synchronized boolean isIdle() {
    return inFlight.isEmpty();
  }

  /** Cools a key or a group down. */
  public synchronized void cool(String keyOrGroup, Duration howLong) {
    cooling.merge(keyOrGroup, nanoTime.getAsLong() + howLong.toNanos(), Math::max);
  }

  /** As {@link LastSeen#refused}. */
  public synchronized void refused(List<String> keys) {
    seen.refused(keys);
  }

  /** As {@link CutOff#replicas}. */
  public synchronized int replicas() {
    return cutOff.replicas(seen.snapshot());
  }

  /** As {@link CutOff#heartbeat}. */
  public void heartbeat(long sent, int replicas) {
    cutOff.heartbeat(sent, replicas);
  }

  /** Ends the outage: Redis answers. The next outage starts without credit. */
  public synchronized void endOutage() {
    if (inOutage) {
      inOutage = false;
      cooling.clear();
      seen.forgetRefused();
    }
  }

  /** The usage of outages within the last window, by group. The outage may go on. */
  public synchronized OutageUsage.Taken takeOutageUsage() {
    OutageUsage.Taken all = outageUsage.takeAll(nanoTime.getAsLong());
    return new OutageUsage.Taken(all.nanos() / replicas(), all.byGroup());
  }

  private @Nullable Impossible tooLarge(List<String> levels, Demand demand) {
    for (String group : levels) {
      Limits most = limitsOf(group);
      for (Dimension d : Dimension.values()) {
        if (most.of(d) > 0 && Credit.cost(d, demand) > 2 * most.of(d)) {
          return new Impossible(Reason.of(d), most.of(d));
        }
      }
    }
    return null;
  }
}
