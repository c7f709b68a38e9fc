package relay.redis.script;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import relay.redis.library.ScriptFile;
import relay.redis.model.Days;
import relay.redis.model.Lease;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.script.ScriptCaller.Call;

/**
 * Holds the pool's present plan and announces it to Redis: on a change, and when Redis does not
 * know the pool. One lock guards the plan, the announcement in flight and their count.
 */
public final class PlanAnnouncer {
  private static final int MAX_OPEN = 8; // sub-quotas of a class, and likewise kinds

  private final ScriptCaller caller;
  private final String replica;
  private volatile Candidates candidates; // written under the lock
  private volatile ConfigMark config = ConfigMark.NONE;
  private volatile long epoch;
  private volatile String epochText = "0";
  private volatile Runnable onEpoch = () -> {};
  private volatile Days.Seen seen = Days.Seen.NOTHING;
  private final Set<String> subQuotas = new TreeSet<>(); // in one order everywhere; guarded by this
  private final Set<String> kinds = new TreeSet<>(); // likewise
  private @Nullable Configuring configuring; // guarded by this
  private long announcements; // guarded by this

  /** An announcement in flight. */
  private record Configuring(Candidates shape, CompletableFuture<Void> done) {}

  /**
   * @param replica this replica's id; empty for an observer
   */
  PlanAnnouncer(ScriptCaller caller, PoolPlan plan, String replica) {
    this.caller = caller;
    this.replica = replica;
    candidates = new Candidates(plan, caller.keys());
  }

  /** The keys and groups of the present plan. */
  Candidates candidates() {
    return candidates;
  }

  /** The epoch under which this replica uses the pool; 0 before the first use. */
  long epoch() {
    return epoch;
  }

  /** An action after each announcement, before a call of the new epoch. */
  public void onEpoch(Runnable look) {
    onEpoch = look;
  }

  /** The epoch, as a word of a script's argument. */
  String epochText() {
    return epochText;
  }

  /** Sets the configuration that later surveys and announcements report to Redis. */
  public void runs(ConfigMark mark) {
    config = mark;
  }

  /**
   * Remembers what was used of days, to announce it if Redis loses it.
   *
   * @param epoch under which the pool was read
   */
  void saw(PoolSnapshot pool, long epoch, long micros) {
    if (epoch == this.epoch && !candidates.plan().days().limits().isEmpty()) {
      Map<String, Days.Count> used = new HashMap<>();
      pool.groups().forEach(g -> used.put(g.id(), g.dayUsed()));
      seen = new Days.Seen(used, micros);
    }
  }

  /**
   * Whether a lease is to be charged to its day again; otherwise what was announced of that has it.
   */
  public boolean addsToDay(Lease lease) {
    return lease.epoch() == epoch || lease.grantedMicros() > seen.micros();
  }

  /** {@code plan hash since_ms}: this replica's part of a heartbeat. */
  String configLine() {
    return config.line(candidates.planId());
  }

  /** Uses another plan for later calls, and announces it. */
  public CompletableFuture<Void> reconfigure(PoolPlan plan) {
    synchronized (this) {
      use(plan);
    }
    return configure();
  }

  /** Called under the lock. */
  private void use(PoolPlan plan) {
    Candidates next = new Candidates(plan.having(subQuotas, kinds), caller.keys());
    next.all(candidates.allSets().stream().map(RedisKeys::text).toList());
    candidates = next;
  }

  /** As {@code KeyPool.subQuota}. The next call that names it announces it. */
  public synchronized String subQuota(String modelClass, String quota) {
    String name = PoolPlan.subQuota(modelClass, quota);
    return open(subQuotas, name) ? name : modelClass;
  }

  /** As {@code KeyPool.kind}. The next call that names it announces it. */
  public synchronized String kind(String modelClass, String kind) {
    return open(kinds, PoolPlan.subQuota(modelClass, kind)) ? kind : "";
  }

  /** Called under the lock. Whether it is open, now or before. */
  private boolean open(Set<String> opened, String name) {
    if (!opened.contains(name)) {
      String owner = PoolPlan.ownerOf(name);
      if (opened.stream().filter(one -> PoolPlan.ownerOf(one).equals(owner)).count() == MAX_OPEN) {
        return false;
      }
      opened.add(name);
      use(candidates.plan());
    }
    return true;
  }

  /**
   * Records the ready sets of other replicas' plans. Later calls pass them to the scripts.
   *
   * @return the new ones
   */
  synchronized Set<String> learnSets(Collection<String> sets) {
    Set<String> fresh = new LinkedHashSet<>(sets);
    candidates.allSets().forEach(set -> fresh.remove(RedisKeys.text(set)));
    candidates.all(sets);
    return fresh;
  }

  /** Forgets ready sets, so that the next survey reports them as unknown. */
  synchronized void unlearnSets(Set<String> sets) {
    candidates.all(
        candidates.allSets().stream()
            .map(RedisKeys::text)
            .filter(name -> !sets.contains(name))
            .toList());
  }

  /** Number of announcements that have ended; -1 while one is in flight. */
  synchronized long lastAnnouncement() {
    return configuring == null ? announcements : -1;
  }

  /** Calls a script. If Redis does not know the pool, announces the pool and calls once more. */
  <T> CompletableFuture<T> callConfigured(Supplier<Call> call, Function<List<Object>, T> decode) {
    return rawConfigured(call).thenApply(decode);
  }

  private CompletableFuture<List<Object>> rawConfigured(Supplier<Call> call) {
    long epochBefore = epoch;
    Call first;
    try {
      first = call.get();
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e); // thrown, it would leave the requests unanswered
    }
    return caller
        .call(first)
        .thenCompose(
            raw -> {
              if (!Reply.isUnknown(raw)) {
                return CompletableFuture.completedFuture(raw);
              }
              if (epoch != epochBefore) {
                return rawConfigured(call); // another call has announced the pool meanwhile
              }
              return configure().thenCompose(done -> caller.call(call.get()));
            });
  }

  /** Announces the present plan to Redis. Concurrent callers share one announcement. */
  public CompletableFuture<Void> configure() {
    Configuring before;
    Configuring mine;
    synchronized (this) {
      before = configuring;
      if (before != null && isPresent(before)) {
        return before.done();
      }
      mine = new Configuring(candidates, new CompletableFuture<>());
      configuring = mine;
    }
    if (before == null) {
      announce(mine);
    } else { // wait, because parts of two plans must not mix in Redis
      var _ = before.done().whenComplete((done, failure) -> announce(mine));
    }
    return mine.done();
  }

  @SuppressWarnings("ReferenceEquality") // a plan that is set again is announced again
  private boolean isPresent(Configuring one) {
    return one.shape() == candidates;
  }

  private void announce(Configuring mine) {
    Announcement pool = new Announcement(mine.shape(), ScriptCaller.MAX_KEYS, seen);
    CompletableFuture<Reply> done = ScriptCaller.repeated(() -> announcePart(pool, 0, 0));
    for (int n = 1; n < pool.parts(); n++) {
      int part = n;
      done =
          done.thenCompose(
              reply -> {
                if (!(reply instanceof Reply.Done first)) {
                  return CompletableFuture.completedFuture(reply);
                }
                return ScriptCaller.repeated(() -> announcePart(pool, part, first.number(3)))
                    .thenApply(later -> first);
              });
    }
    var _ =
        done.whenComplete(
            (reply, failure) -> {
              announced(mine, reply);
              if (failure == null) {
                try {
                  onEpoch.run();
                } finally {
                  mine.done().complete(null);
                }
              } else {
                mine.done().completeExceptionally(failure);
              }
            });
  }

  /**
   * @param later 0 for the first part, else {@code found} of the first part's reply
   */
  private CompletableFuture<Reply> announcePart(Announcement pool, int part, long later) {
    List<byte[]> args = caller.clockArgs();
    args.addAll(pool.args(part, epoch, later, replica, config));
    RedisKeys keys = caller.keys();
    List<byte[]> k =
        new ArrayList<>(List.of(keys.state, keys.win, keys.quarantine, keys.picture, keys.learned));
    k.addAll(List.of(keys.previousState, keys.nextState));
    k.addAll(pool.sets());
    return caller.call(new Call(ScriptFile.CONFIGURE, k, args)).thenApply(Reply::of);
  }

  @SuppressWarnings("ReferenceEquality") // a later announcement may have taken the place of mine
  private synchronized void announced(Configuring mine, @Nullable Reply reply) {
    if (configuring == mine) {
      configuring = null;
    }
    announcements++;
    if (reply instanceof Reply.Done first) {
      epoch = first.number(2);
      epochText = Long.toString(epoch);
    }
  }
}
