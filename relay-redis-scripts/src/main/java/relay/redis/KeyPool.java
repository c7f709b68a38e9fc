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
import relay.redis.Acquisition.Overloaded;
import relay.redis.Acquisition.Unavailable;

/**
 * A pool of keys that all replicas share. Thread-safe. Methods do not block unless their Javadoc
 * says so.
 *
 * <p>A grant costs one script call. The end of a lease is sent without waiting for the reply. While
 * Redis is unreachable, endings are kept, up to a bound, and sent later.
 */
public final class KeyPool {
  private static final Logger log = LoggerFactory.getLogger(KeyPool.class);
  private static final int RENEW_BATCH = 100;

  private final RedisLink link;
  private final PoolScripts scripts;
  private final EngineOptions options;
  private final FairShare fairShare;
  private final Picking picking;
  private final LeaseIds leaseIds;
  private final EstimateExchange exchange;
  private final LimitNews limitNews = new LimitNews();
  private final Map<String, Long> renewAt =
      new ConcurrentHashMap<>(); // by lease id, in nanoseconds
  private final LeaseEndings leaseEndings;
  private final AcquireCalls acquires;
  private final WaitingRoom room;
  private final Retirement retirement;
  private final Set<String> unsentRekeys = ConcurrentHashMap.newKeySet();
  private volatile @Nullable PoolSnapshot latest;
  private volatile boolean hasOutageUsage;

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
    leaseEndings = new LeaseEndings(scripts, plan.name(), alarm);
    acquires = scripts.acquires(leaseEndings);
    room = new WaitingRoom(this::acquire, alarm, System::nanoTime);
    retirement = new Retirement(link.timeout());
  }

  /** The pool's present keys and limits. */
  public PoolPlan plan() {
    return scripts.plan();
  }

  /**
   * Changes the keys and limits while the pool runs. New requests use the new plan. Requests in
   * flight end under the old one, so a lease may name a key of either plan. Parked requests are
   * asked again once Redis has the plan. Usage, leases, cooldowns, quarantines, learned limits and
   * estimates stay.
   *
   * <p>While replicas have different plans, the smaller limit holds. A key that no replica's plan
   * has is draining until its last lease has ended.
   *
   * @param plan of the same name
   * @return completes when Redis has the plan; fails when Redis does not answer, and the engine
   *     then announces it later
   */
  public CompletableFuture<Void> reconfigure(PoolPlan plan) {
    return reconfigure(plan, Set.of());
  }

  /**
   * As {@link #reconfigure(PoolPlan)}, when secrets have changed. It ends the keys' quarantine by
   * {@link #quarantineRefused}, and no other. For five minutes, Redis then ignores such a
   * quarantine from replicas that have not changed yet, because they have the old secret.
   *
   * @param rekeyed ids of keys that kept their id and have a new secret
   */
  public CompletableFuture<Void> reconfigure(PoolPlan plan, Set<String> rekeyed) {
    if (!plan.name().equals(plan().name())) {
      throw new IllegalArgumentException("pool " + plan().name() + " cannot become " + plan.name());
    }
    CompletableFuture<Void> announced = scripts.reconfigure(plan);
    fairShare.reconfigure(plan);
    Set<String> keys = plan.keys().stream().map(KeyPlan::id).collect(Collectors.toSet());
    room.retain(key -> key.isEmpty() || keys.contains(key));
    acquires.retain(key -> key.isEmpty() || keys.contains(key));
    limitNews.retain(plan.groups());
    return announced
        .thenCompose(done -> scripts.rekey(List.copyOf(rekeyed)))
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                unsentRekeys.addAll(rekeyed);
              }
              room.capacityReturned();
            });
  }

  /** What failed before: Redis was away. */
  private void sendRekeysAgain() {
    Set<String> some = Set.copyOf(unsentRekeys);
    unsentRekeys.removeAll(some);
    List<String> known = plan().keys().stream().map(KeyPlan::id).filter(some::contains).toList();
    var _ =
        scripts
            .rekey(known)
            .whenComplete(
                (done, failure) -> {
                  if (failure != null) {
                    unsentRekeys.addAll(known);
                  }
                });
  }

  /**
   * Takes the pool out of use. New and parked requests get {@link Acquisition.NoneUsable}. Running
   * leases are renewed and settled as before. After the last one this replica leaves the pool, and
   * the engine forgets it.
   *
   * @return completes when that is done
   */
  public CompletableFuture<Void> retire() {
    retirement.begin(System.nanoTime());
    room.close(new NoneUsable());
    return retirement.over();
  }

  /**
   * Picks a key and reserves the demand on it, in one round trip. The future never fails, and
   * completes within the engine's timeout.
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
   * As {@link #acquire(Demand)}, but parks a request that no key can carry now until a key can. If
   * that time is later than {@code maxWait}, the request is refused at once, with the exact time.
   * Parked requests of a model class are served in the order of their arrival, and newcomers queue
   * behind them. At most {@value WaitingRoom#MAX_WAITING} requests of a pool are parked.
   *
   * <p>Cancel the future when the answer is no longer needed: a later grant is then cancelled.
   *
   * @param maxWait how long the request may be parked; zero to ask once, without queueing
   */
  public CompletableFuture<Acquisition> acquire(Demand demand, Duration maxWait) {
    return room.acquire(demand, maxWait);
  }

  /** Requests that are parked until capacity returns. */
  public int waiting() {
    return room.waiting();
  }

  /**
   * As {@link #acquire}, but reserves nothing: picks any key that is neither quarantined nor
   * cooling down.
   */
  public CompletableFuture<Acquisition> pick(Demand demand) {
    if (retirement.hasBegun()) {
      return CompletableFuture.completedFuture(new NoneUsable());
    }
    return picking.pick(demand, this::latest);
  }

  private Acquisition granted(String id, Reply reply, Demand demand) {
    return switch (reply) {
      case Reply.Grant g -> {
        renewAt.put(id, System.nanoTime() + renewEvery());
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
      // Not expected: a new lease's id is already ended, or the pool is unknown right after
      // configure.
      case Reply.Ended _, Reply.Unknown _, Reply.LookAgain _, Reply.Settled _, Reply.Done _ ->
          withoutRedis(demand);
    };
  }

  private Acquisition failed(String id, Demand demand, @Nullable Throwable failure) {
    switch (failure == null ? null : RedisLink.cause(failure)) {
      case null -> {}
      case RedisGoneException _ -> {} // the script was never called
      case QueueFullException _ -> {
        return new Overloaded(); // nor was it here, and Redis is not to blame
      }
      case RedisCommandExecutionException refused ->
          link.reportRefusal("a call for pool " + plan().name(), refused);
      // Timeout or lost connection: it is unknown whether the lease was granted. The cancel undoes
      // the grant, whether it arrives before or after the acquire.
      case Throwable _ -> {
        leaseEndings.send(new PendingUpdate.Cancel(id));
        fairShare.beginOutage(link.timeout());
      }
    }
    return withoutRedis(demand);
  }

  private Acquisition withoutRedis(Demand demand) {
    return switch (options.fallback()) {
      case CLOSED -> new Unavailable();
      case FAIR_SHARE -> grantLocally(demand, !scripts.isShadow(demand));
      case OPEN -> grantLocally(demand, false);
    };
  }

  private Acquisition grantLocally(Demand demand, boolean limited) {
    return switch (fairShare.choose(demand, latest, limited)) {
      case FairShare.Choice.Refused r -> r.why();
      case FairShare.Choice.Taken t -> {
        hasOutageUsage = true;
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
      renewAt.remove(lease.id());
      leaseEndings.send(new PendingUpdate.Settle(lease, new Usage(1, inputTokens, outputTokens)));
    }
    room.capacityReturned();
  }

  void cancel(Lease lease) {
    if (lease.epoch() == 0) {
      endLocally(lease, 0, 0);
    } else {
      renewAt.remove(lease.id());
      leaseEndings.send(new PendingUpdate.Cancel(lease.id()));
    }
    room.capacityReturned();
  }

  private void endLocally(Lease lease, long inputTokens, long outputTokens) {
    if (fairShare.end(lease, inputTokens, outputTokens)) {
      hasOutageUsage = true;
    }
  }

  /**
   * Cools a quota group down, for all replicas.
   *
   * @param howLong zero to let Redis choose: 1 s, doubled with every refusal in a row, at most 60 s
   */
  public void coolGroup(String group, Duration howLong) {
    cool(group, howLong, 0);
  }

  /**
   * Reports that the provider rate-limited a granted request: its quota group cools down, for all
   * replicas. If the group's window was far from full, the group's burst is reduced as well.
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
        .exceptionally(failure -> logLost("cooldown of group " + group, failure));
  }

  /**
   * Reports the limits in a provider's answer. A stated limit applies to all replicas from now on
   * where the plan has none or a larger one. The stated remainder only ever lowers the pool's
   * estimate of what is left. Most answers carry no news and cause no call.
   *
   * @param limits the stated limits, 0 where none was stated
   */
  public void observe(String group, Limits limits, Remaining remaining) {
    if (limitNews.isNews(group, limits, remaining, latest, System.nanoTime())) {
      scripts
          .observe(group, limits, remaining)
          .exceptionally(
              failure -> {
                limitNews.forget(group);
                return logLost("limits observed for group " + group, failure);
              });
    }
  }

  /** Quarantines keys until {@link #restore}, for all replicas. */
  public void quarantine(List<String> keys, String reason) {
    var _ =
        scripts
            .quarantine(keys, reason, false)
            .whenComplete(
                (done, failure) -> {
                  if (failure != null) {
                    var _ = logLost("quarantine of " + Names.few(keys), failure);
                  }
                });
  }

  /**
   * As {@link #quarantine}, because the provider refused the keys' credentials: {@link
   * #reconfigure(PoolPlan, Set)} with a new secret ends it, too.
   */
  public void quarantineRefused(List<String> keys, String reason) {
    var _ =
        scripts
            .quarantine(keys, reason, true)
            .whenComplete(
                (done, failure) -> {
                  if (failure != null) {
                    var _ = logLost("quarantine of " + Names.few(keys), failure);
                  }
                });
  }

  private @Nullable Reply logLost(String what, Throwable failure) {
    log.warn(
        "Redis did not store the {} of pool {}: {}", what, plan().name(), failure.getMessage());
    return null;
  }

  /** Cools one key down, on an operator's request. The future fails when Redis cannot be asked. */
  public CompletableFuture<Void> operatorCooldown(String key, Duration howLong) {
    return scripts.cooldown("k:" + key, howLong, 0).thenAccept(reply -> {});
  }

  /** Quarantines one key, on an operator's request. The future fails when Redis cannot be asked. */
  public CompletableFuture<Void> operatorQuarantine(String key, String reason) {
    return scripts.quarantine(List.of(key), reason, false);
  }

  /**
   * Ends the cooldown and quarantine of a key, and of its account's groups and other keys, because
   * they share the cause. The future fails when Redis cannot be asked.
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

  /** Ends the quarantine of these keys only, not of the rest of their accounts. */
  CompletableFuture<Void> restoreKeys(List<String> ids) {
    return scripts.restore(ids.stream().map(id -> "k:" + id).toList());
  }

  /** Reads the present state. The future fails when Redis cannot be asked. */
  public CompletableFuture<PoolSnapshot> snapshot() {
    leaseEndings.flush(); // so that the snapshot shows leases that have just ended
    return scripts
        .survey("")
        .thenApply(snapshot -> Objects.requireNonNull(snapshot, "an observer reads all"));
  }

  /** The state at the last heartbeat, at most half a second old while Redis answers. */
  public @Nullable PoolSnapshot latest() {
    return latest;
  }

  /** Token estimates for the pool's models, learned by all replicas together. */
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

  /** Live leases of this replica. */
  public int liveLeases() {
    return renewAt.size();
  }

  /** Tokens that this replica's settlements charged beyond the reservations. */
  public long overageTokens() {
    return leaseEndings.overageTokens();
  }

  /** Called twice a second while the link is up: heartbeat, outage usage, renewals. */
  void tick() {
    if (!link.isUp()) {
      return;
    }
    scripts
        .survey(options.replica())
        .thenAccept(
            snapshot -> {
              latest = snapshot == null ? latest : snapshot;
              fairShare.endOutage();
            })
        .exceptionally(failure -> null); // the next tick tries again
    sendPending();
    if (!unsentRekeys.isEmpty()) {
      sendRekeysAgain();
    }
    renew();
    exchange.tick();
    if (retirement.isDue(System.nanoTime()) && isQuiet()) {
      retirement.ends();
      var _ = leave().whenComplete((done, failure) -> retirement.left(isQuiet()));
    }
  }

  private void sendPending() {
    leaseEndings.flush();
    leaseEndings.sendAgain();
    if (hasOutageUsage) {
      hasOutageUsage = false;
      fairShare
          .takeOutageUsage()
          .forEach(
              (group, usage) ->
                  leaseEndings.send(new PendingUpdate.LateCharge(leaseIds.next(), group, usage)));
    }
  }

  /** Whether all leases have ended and no ending is pending. */
  private boolean isQuiet() {
    return renewAt.isEmpty() && fairShare.isIdle() && leaseEndings.isEmpty();
  }

  /** The last survey: updates the readable picture and removes this replica. */
  CompletableFuture<Void> leave() {
    if (!link.isUp() || options.isObserver()) {
      return CompletableFuture.completedFuture(null);
    }
    sendPending();
    exchange.tick();
    return scripts.leave().handle((done, failure) -> null);
  }

  private void renew() {
    long now = System.nanoTime();
    List<String> due = new ArrayList<>();
    renewAt.forEach(
        (id, at) -> {
          if (at - now <= 0 && renewAt.replace(id, at, now + renewEvery())) {
            due.add(id);
          }
        });
    for (int from = 0; from < due.size(); from += RENEW_BATCH) {
      List<String> some = due.subList(from, Math.min(due.size(), from + RENEW_BATCH));
      scripts
          .renew(some)
          .exceptionally(
              failure -> {
                some.forEach(
                    id -> renewAt.computeIfPresent(id, (i, at) -> now)); // due with the next tick
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

  /** Announces the pool's shape to Redis. */
  CompletableFuture<Void> configure() {
    return scripts.configure();
  }

  /** Refuses all parked requests, and sends all pending lease endings. */
  void close() {
    room.close();
    leaseEndings.close();
  }

  /** Ids of live leases. For tests. */
  Set<String> liveIds() {
    return Set.copyOf(renewAt.keySet());
  }
}
