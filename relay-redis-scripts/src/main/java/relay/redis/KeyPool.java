package relay.redis;

import io.lettuce.core.RedisCommandExecutionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.Acquisition.Granted;
import relay.redis.Acquisition.NoneUsable;
import relay.redis.Acquisition.Unavailable;

/**
 * A pool of keys that all replicas share. Thread-safe; no method blocks, but for those that say so.
 *
 * <p>A grant costs one call of one script. What ends a lease is sent and not waited for; when Redis
 * cannot be reached it is kept, up to a bound, and sent again.
 */
public final class KeyPool {
  private static final Logger log = LoggerFactory.getLogger(KeyPool.class);
  private static final int RENEWED_TOGETHER = 100;

  private final RedisLink link;
  private final PoolScripts scripts;
  private final EngineOptions options;
  private final FairShare fairShare;
  private final Picking picking;
  private final LeaseIds leaseIds;
  private final EstimateExchange exchange;
  private final LimitNews news = new LimitNews();
  private final Map<String, Long> live = new ConcurrentHashMap<>(); // lease id -> renew at, nanos
  private final LeaseEndings settlements;
  private final AcquireCalls acquires;
  private final WaitingRoom room;
  private final Retirement retirement;
  private volatile @Nullable PoolSnapshot latest;
  private volatile boolean usedLocally;

  KeyPool(
      RedisLink link,
      PoolPlan plan,
      EngineOptions options,
      LeaseIds leaseIds,
      WaitingRoom.Alarm alarm) {
    this.link = link;
    this.options = options;
    this.leaseIds = leaseIds;
    scripts = new PoolScripts(link, plan, options);
    fairShare = new FairShare(plan, System::nanoTime);
    picking = new Picking(this, link, scripts, fairShare, options.fallback());
    exchange = new EstimateExchange(scripts);
    settlements = new LeaseEndings(scripts, plan.name(), alarm);
    acquires = scripts.acquires(settlements);
    room = new WaitingRoom(this::acquire, alarm, System::nanoTime);
    retirement = new Retirement(link.timeout());
  }

  /** The pool's present shape. */
  public PoolPlan plan() {
    return scripts.plan();
  }

  /**
   * Changes the pool's shape while it runs. Requests that are asked for from now on are served by
   * the new plan; those under way end under the old one, so the key of a lease may be one that only
   * the old plan has, or the new one. Requests that wait for capacity are asked anew once Redis
   * knows the plan. Usage, leases, cooldowns, quarantines, learned limits and estimates stay as
   * they are.
   *
   * <p>While other replicas still have another plan, the smaller limit holds where they differ. A
   * key that left every replica's plan is draining until its last lease has ended.
   *
   * @param plan of the same name
   * @return done when Redis knows it; fails when Redis could not be told, which it is later then
   */
  public CompletableFuture<Void> reconfigure(PoolPlan plan) {
    return reconfigure(plan, Set.of());
  }

  /**
   * Likewise, when the secrets of some keys have changed. A quarantine by {@link
   * #quarantineRefused} of such a key ends, for its cause is gone; no other does. For the next
   * minutes Redis takes no such quarantine from replicas that have not changed yet: they have the
   * old secret.
   *
   * @param rekeyed ids of keys that kept their id and have another secret
   */
  public CompletableFuture<Void> reconfigure(PoolPlan plan, Set<String> rekeyed) {
    if (!plan.name().equals(plan().name())) {
      throw new IllegalArgumentException("pool " + plan().name() + " cannot become " + plan.name());
    }
    CompletableFuture<Void> told = scripts.reconfigure(plan);
    fairShare.reconfigure(plan);
    Set<String> keys = plan.keys().stream().map(KeyPlan::id).collect(Collectors.toSet());
    room.retain(key -> key.isEmpty() || keys.contains(key));
    acquires.retain(key -> key.isEmpty() || keys.contains(key));
    news.retain(plan.groups());
    return told.thenCompose(
            done ->
                rekeyed.isEmpty()
                    ? CompletableFuture.completedFuture(null)
                    : scripts.rekey(List.copyOf(rekeyed)))
        .whenComplete((done, failure) -> room.stir());
  }

  /**
   * Takes the pool out of use: nothing is granted any longer, by {@link Acquisition.NoneUsable}.
   * Running leases go on, are renewed, end and are settled. Then this replica leaves the pool, and
   * what the pool held is let go.
   *
   * @return done when it is over
   */
  public CompletableFuture<Void> retire() {
    retirement.begin(System.nanoTime());
    room.close(new NoneUsable());
    return retirement.over();
  }

  /**
   * Picks a key and reserves the demand on it, in one round trip. The future never fails, and is
   * done within the engine's timeout.
   */
  public CompletableFuture<Acquisition> acquire(Demand demand) {
    if (retirement.hasBegun()) {
      return CompletableFuture.completedFuture(new NoneUsable());
    }
    if (!link.isUp()) {
      return CompletableFuture.completedFuture(withoutRedis(demand));
    }
    String id = leaseIds.next();
    return acquires
        .acquire(id, demand)
        .handle(
            (reply, failure) ->
                reply != null ? granted(id, reply, demand) : failed(id, demand, failure));
  }

  /**
   * As {@link #acquire(Demand)}, but a request that no key can carry now is held until the time at
   * which one can, if that is not too far away; else it is refused at once, with the exact time.
   * Requests of a model class that are held here are served in the order of their arrival, and
   * newcomers wait behind them; at most {@value WaitingRoom#MOST} of a pool are held.
   *
   * <p>Cancel the future when nobody wants the answer any longer: what is granted then goes back.
   *
   * @param maxWait how long it may be held; zero to ask once, beside those that wait
   */
  public CompletableFuture<Acquisition> acquire(Demand demand, Duration maxWait) {
    return room.acquire(demand, maxWait);
  }

  /** Requests that are held for capacity. */
  public int waiting() {
    return room.waiting();
  }

  /** As {@link #acquire}, but nothing is reserved: any key that is in use and not cooling down. */
  public CompletableFuture<Acquisition> pick(Demand demand) {
    if (retirement.hasBegun()) {
      return CompletableFuture.completedFuture(new NoneUsable());
    }
    return picking.pick(demand, this::latest);
  }

  private Acquisition granted(String id, Reply reply, Demand demand) {
    return switch (reply) {
      case Reply.Grant g -> {
        live.put(id, System.nanoTime() + renewEvery());
        yield new Granted(
            new Lease(
                this,
                id,
                g.key(),
                g.group(),
                g.inputTokens(),
                g.outputTokens(),
                scripts.epoch(),
                g.micros(),
                g.wouldDeny()));
      }
      case Reply.Refusal r -> r.why();
      // A tombstone under a new lease's id, or a pool that is unknown after it was configured.
      case Reply.Ended _, Reply.Unknown _, Reply.LookAgain _, Reply.Settled _, Reply.Done _ ->
          withoutRedis(demand);
    };
  }

  private Acquisition failed(String id, Demand demand, @Nullable Throwable failure) {
    switch (failure == null ? null : RedisLink.cause(failure)) {
      case null -> {}
      case RedisGoneException _ -> {} // it was never called
      case RedisCommandExecutionException refused ->
          link.refused("a call for pool " + plan().name(), refused);
      // Out of time, or cut off: whether it was granted is not known. The cancel undoes it, before
      // or after.
      case Throwable _ -> {
        settlements.send(new Unsent.Cancel(id));
        fairShare.begin(link.timeout());
      }
    }
    return withoutRedis(demand);
  }

  private Acquisition withoutRedis(Demand demand) {
    return switch (options.fallback()) {
      case CLOSED -> new Unavailable();
      case FAIR_SHARE -> locally(demand, !scripts.isShadow(demand));
      case OPEN -> locally(demand, false);
    };
  }

  private Acquisition locally(Demand demand, boolean limited) {
    return switch (fairShare.choose(demand, latest, limited)) {
      case FairShare.Choice.Refused r -> r.why();
      case FairShare.Choice.Taken t -> {
        usedLocally = true;
        yield new Granted(
            new Lease(
                this,
                leaseIds.next(),
                t.key().id(),
                t.group(),
                t.inputTokens(),
                t.outputTokens(),
                0,
                0,
                null));
      }
    };
  }

  void settle(Lease lease, long inputTokens, long outputTokens) {
    if (lease.epoch() == 0) {
      endLocally(lease, inputTokens, outputTokens);
    } else {
      live.remove(lease.id());
      settlements.send(new Unsent.Settle(lease, new Usage(1, inputTokens, outputTokens)));
    }
    room.stir();
  }

  void cancel(Lease lease) {
    if (lease.epoch() == 0) {
      endLocally(lease, 0, 0);
    } else {
      live.remove(lease.id());
      settlements.send(new Unsent.Cancel(lease.id()));
    }
    room.stir();
  }

  private void endLocally(Lease lease, long inputTokens, long outputTokens) {
    if (fairShare.end(lease, inputTokens, outputTokens)) {
      usedLocally = true;
    }
  }

  /**
   * Keeps a quota group out of use, for all replicas.
   *
   * @param howLong zero to let Redis choose: 1 s, doubled with every refusal in a row, at most 60 s
   */
  public void coolGroup(String group, Duration howLong) {
    cool(group, howLong, 0);
  }

  /**
   * The provider refused a granted request for its rate: keeps its quota group out of use, for all
   * replicas. If the group's window was far from full, the provider lets less pass at once than was
   * thought: from now on so do we.
   *
   * @param howLong zero to let Redis choose: 1 s, doubled with every refusal in a row, at most 60 s
   */
  public void refused(Lease lease, Duration howLong) {
    cool(lease.group(), howLong, lease.grantedMicros());
  }

  private void cool(String group, Duration howLong, long grantedMicros) {
    fairShare.cool(group, howLong.isZero() ? Duration.ofSeconds(1) : howLong);
    scripts
        .cooldown("g:" + group, howLong, grantedMicros)
        .exceptionally(failure -> lost("cooldown of group " + group, failure));
  }

  /**
   * What a provider's answer said of a quota group. Limits hold from then on, for all replicas,
   * where the plan states none or larger ones; what is left only ever makes the pool more careful.
   * Most answers say nothing new and cost nothing.
   *
   * @param limits the stated limits, 0 where none was stated
   */
  public void observe(String group, Limits limits, Remaining remaining) {
    if (news.isNews(group, limits, remaining, latest, System.nanoTime())) {
      scripts
          .observe(group, limits, remaining)
          .exceptionally(
              failure -> {
                news.forget(group);
                return lost("what was observed of group " + group, failure);
              });
    }
  }

  /** Keeps keys out of use until {@link #restore}, for all replicas. */
  public void quarantine(List<String> keys, String reason) {
    var _ =
        scripts
            .quarantine(keys, reason, false)
            .whenComplete(
                (done, failure) -> {
                  if (failure != null) {
                    var _ = lost("quarantine of " + Names.few(keys), failure);
                  }
                });
  }

  /**
   * Likewise, because the provider refused the keys' credentials: {@link #reconfigure(PoolPlan,
   * Set)} with another secret ends it, too.
   */
  public void quarantineRefused(List<String> keys, String reason) {
    var _ =
        scripts
            .quarantine(keys, reason, true)
            .whenComplete(
                (done, failure) -> {
                  if (failure != null) {
                    var _ = lost("quarantine of " + Names.few(keys), failure);
                  }
                });
  }

  private @Nullable Reply lost(String what, Throwable failure) {
    log.warn("Not in Redis: {} of pool {}: {}", what, plan().name(), failure.getMessage());
    return null;
  }

  /** An operator's cooldown of a key. The future fails when Redis could not be asked. */
  public CompletableFuture<Void> operatorCooldown(String key, Duration howLong) {
    return scripts.cooldown("k:" + key, howLong, 0).thenAccept(reply -> {});
  }

  /** An operator's quarantine of a key. The future fails when Redis could not be asked. */
  public CompletableFuture<Void> operatorQuarantine(String key, String reason) {
    return scripts.quarantine(List.of(key), reason, false);
  }

  /**
   * Ends the cooldown and quarantine of a key, and those of its account's groups and other keys,
   * for they share the cause. The future fails when Redis could not be asked.
   */
  public CompletableFuture<Void> restore(String key) {
    PoolPlan plan = plan();
    KeyPlan named = plan.keys().stream().filter(k -> k.id().equals(key)).findFirst().orElseThrow();
    List<String> fields = new ArrayList<>();
    for (KeyPlan k : plan.keys()) {
      if (k.account().equals(named.account())) {
        fields.add("k:" + k.id());
      }
    }
    plan.modelClasses().forEach(c -> fields.add("g:" + PoolPlan.group(named.account(), c)));
    return scripts.restore(fields);
  }

  /** Ends the quarantine of keys, and nothing else of their accounts. */
  CompletableFuture<Void> restoreAlone(List<String> ids) {
    return scripts.restore(ids.stream().map(id -> "k:" + id).toList());
  }

  /** The present state. The future fails when Redis could not be asked. */
  public CompletableFuture<PoolSnapshot> snapshot() {
    settlements.flush(); // what has ended is to be seen
    return scripts
        .survey("")
        .thenApply(snapshot -> Objects.requireNonNull(snapshot, "an onlooker sees all"));
  }

  /** The state at the last sign of life, at most half a second old while Redis answers. */
  public @Nullable PoolSnapshot latest() {
    return latest;
  }

  /** What requests of the pool's models use, learned by all replicas together. */
  public Estimates estimates() {
    return exchange.estimates();
  }

  /** Ids of the keys of an account. */
  public List<String> keysOf(String account) {
    return plan().keys().stream()
        .filter(k -> k.account().equals(account))
        .map(KeyPlan::id)
        .toList();
  }

  /** Leases of this replica that live. */
  public int liveLeases() {
    return live.size();
  }

  /** Tokens that settles of this replica charged beyond their reservations. */
  public long overageTokens() {
    return settlements.overageTokens();
  }

  /** Called twice a second while the link is up: sign of life, what is owed, renewals. */
  void tick() {
    if (!link.isUp()) {
      return;
    }
    scripts
        .survey(options.replica())
        .thenAccept(
            snapshot -> {
              latest = snapshot == null ? latest : snapshot;
              fairShare.rest();
            })
        .exceptionally(failure -> null); // the link knows, and the next tick tries again
    settlements.flush();
    settlements.sendAgain();
    if (usedLocally) {
      usedLocally = false;
      fairShare
          .handOver()
          .forEach(
              (group, usage) ->
                  settlements.send(new Unsent.OutageUsage(leaseIds.next(), group, usage)));
    }
    renew();
    exchange.tick();
    if (retirement.isDue(System.nanoTime()) && isQuiet()) {
      retirement.ends();
      var _ = leave().whenComplete((done, failure) -> retirement.left(isQuiet()));
    }
  }

  /** Whether all that was granted has ended, and Redis was told. */
  private boolean isQuiet() {
    return live.isEmpty() && fairShare.isIdle() && settlements.isEmpty();
  }

  /** This replica's last word: the readable picture shows the pool as it leaves it. */
  CompletableFuture<Void> leave() {
    return scripts.leave().handle((done, failure) -> null);
  }

  private void renew() {
    long now = System.nanoTime();
    List<String> due = new ArrayList<>();
    live.forEach(
        (id, at) -> {
          if (at - now <= 0 && live.replace(id, at, now + renewEvery())) {
            due.add(id);
          }
        });
    for (int from = 0; from < due.size(); from += RENEWED_TOGETHER) {
      List<String> some = due.subList(from, Math.min(due.size(), from + RENEWED_TOGETHER));
      scripts
          .renew(some)
          .exceptionally(
              failure -> {
                some.forEach(id -> live.computeIfPresent(id, (i, at) -> now)); // at once again
                return null;
              });
    }
  }

  private long renewEvery() {
    return options.lease().toNanos() / 3;
  }

  /** What this process runs with. */
  void runs(ConfigMark mark) {
    scripts.runs(mark);
  }

  /** Whether it was retired and its last lease has ended; then it is no longer to be ticked. */
  boolean isOver() {
    return retirement.over().isDone();
  }

  /** Tells Redis the pool's shape. */
  CompletableFuture<Void> configure() {
    return scripts.configure();
  }

  /** Nobody is held any longer, nor any settle. */
  void close() {
    room.close();
    settlements.close();
  }

  /** Ids of live leases, for tests. */
  Set<String> liveIds() {
    return Set.copyOf(live.keySet());
  }
}
