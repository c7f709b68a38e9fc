package relay.redis;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.redis.lease.LeaseIds;
import relay.redis.link.Alarm;
import relay.redis.link.RedisLink;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Demand;
import relay.redis.model.Ending;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.KeyRequest;
import relay.redis.model.Lasting;
import relay.redis.model.Lease;
import relay.redis.model.LeaseRef;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.RedisUse;
import relay.redis.model.Refill;
import relay.redis.model.Remaining;
import relay.redis.model.Usage;
import relay.redis.script.Introductions;
import relay.redis.script.PoolScripts;
import relay.redis.waiting.WaitingRoom;

/**
 * A pool of keys that all replicas share. Thread-safe. No method blocks unless it says so.
 *
 * <p>A grant costs one script call. The end of a lease is sent without waiting for the reply. While
 * Redis is unreachable, endings are kept, up to a bound, and sent later.
 */
public final class KeyPool {
  private final PoolComposition parts;
  private final PoolScripts scripts;
  private final PoolUpkeep upkeep;

  KeyPool(
      RedisLink link,
      PoolPlan plan,
      EngineOptions options,
      LeaseIds leaseIds,
      Alarm alarm,
      Introductions introductions) {
    parts = new PoolComposition(link, plan, options, leaseIds, alarm, introductions);
    scripts = parts.scripts;
    upkeep = new PoolUpkeep(parts);
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
   * quarantine from replicas that still have the old secret.
   *
   * @param rekeyed ids of keys that kept their id and have a new secret
   */
  public CompletableFuture<Void> reconfigure(PoolPlan plan, Set<String> rekeyed) {
    if (!plan.name().equals(plan().name())) {
      throw new IllegalArgumentException("pool " + plan().name() + " cannot become " + plan.name());
    }
    CompletableFuture<Void> announced = scripts.plans().reconfigure(plan);
    parts.fairShare.reconfigure(plan);
    Set<String> keys = plan.keys().stream().map(KeyPlan::id).collect(Collectors.toSet());
    parts.room.retain(key -> key.isEmpty() || keys.contains(key));
    parts.acquires.retain(key -> key.isEmpty() || keys.contains(key));
    parts.reports.retain(plan.groups());
    return parts
        .rekeys
        .send(announced, rekeyed)
        .whenComplete((done, failure) -> parts.room.capacityReturned());
  }

  /**
   * Takes the pool out of use. New and parked requests get {@link Acquisition.NoneUsable}. Running
   * leases are renewed and settled as before. After the last one this replica leaves the pool, and
   * the engine forgets it.
   *
   * @return completes when that is done
   */
  public CompletableFuture<Void> retire() {
    parts.retirement.begin(System.nanoTime());
    parts.room.close(new NoneUsable());
    return parts.retirement.over();
  }

  /**
   * Picks a key and reserves the demand on it, in one round trip. The future never fails, and
   * completes within the engine's timeout.
   */
  public CompletableFuture<Acquisition> acquire(Demand demand) {
    return parts.grants.acquire(demand);
  }

  /**
   * As {@link #acquire(Demand)}, but parks a request that no key can carry now until a key can. If
   * that time is later than {@code maxWait}, the request is refused at once, with the exact time.
   * Parked requests of a model class are served in the order of their arrival, and newcomers queue
   * behind them. At most {@value WaitingRoom#MAX_WAITING} requests of a pool are parked.
   *
   * @param maxWait how long the request may be parked; zero to ask once, without queueing
   */
  public KeyRequest acquire(Demand demand, Duration maxWait) {
    return parts.room.acquire(demand, maxWait);
  }

  /**
   * Ends a {@link Lasting} lease, which any replica may have granted, or corrects the charge of one
   * that has expired within the last hour. Fails when Redis does not answer: then ask again.
   *
   * @param used its real use; a repeated call changes nothing
   * @param nanodollars to charge to its key's budgets
   */
  public CompletableFuture<Ending> settle(LeaseRef lease, Usage used, long nanodollars) {
    return parts.ended(lease, used, nanodollars, false);
  }

  /**
   * As {@link #settle(LeaseRef, Usage, long)}, for good; an expired lease is not found. Requests
   * without tokens were refused: if output was reported before, all stays charged as at expiry.
   */
  public CompletableFuture<Ending> end(LeaseRef lease, Usage used, long nanodollars) {
    return parts.ended(lease, used, nanodollars, true);
  }

  /**
   * Reports what the requests of a {@link Lasting} lease have made so far, and renews it. Fails
   * when Redis does not answer: then ask again.
   *
   * @param made counts in the limits at once; a smaller or repeated one changes nothing
   * @param nanodollars what they cost by now, if its key has budgets; otherwise 0
   * @param ttl until it expires, from now on
   * @return false if there is no such lease, or it has ended or expired
   */
  public CompletableFuture<Boolean> progress(
      LeaseRef lease, Lease.Progress made, long nanodollars, Duration ttl) {
    return parts.lasting.progress(lease, made, nanodollars, ttl);
  }

  /** The {@link Lasting} lease itself: to report what the provider answered, or to end it. */
  public Lease lease(LeaseRef ref) {
    return parts.leaseOf(ref);
  }

  /**
   * How many {@link Lasting} leases each of these owners has open. Fails when Redis cannot be
   * asked.
   *
   * @param owners at most 1,000
   */
  public CompletableFuture<List<Long>> openLeases(List<String> owners) {
    return scripts.opened(owners);
  }

  /** Requests that are parked until capacity returns. */
  public int waiting() {
    return parts.room.waiting();
  }

  /** Reserves nothing: picks any key that is neither quarantined nor cooling down. */
  public CompletableFuture<Acquisition> pick(Demand demand) {
    if (parts.retirement.hasBegun()) {
      return CompletableFuture.completedFuture(new NoneUsable());
    }
    return parts.picking.pick(demand, this::latest);
  }

  /**
   * Cools a quota group down, for all replicas.
   *
   * @param howLong zero to let Redis choose: 1 s, doubled with every refusal in a row, at most 60 s
   */
  public void coolGroup(String group, Duration howLong) {
    parts.reports.cool(group, howLong, 0);
  }

  /**
   * Reports that the provider rate-limited a granted request: its quota group cools down, for all
   * replicas. If the group's window was far from full, the group's burst is reduced as well.
   *
   * @param howLong zero to let Redis choose: 1 s, doubled with every refusal in a row, at most 60 s
   */
  public void refused(Lease lease, Duration howLong) {
    parts.reports.cool(lease.group(), howLong, lease.grantedMicros());
  }

  /**
   * Reports the limits in the answer to a granted request. A stated limit applies to all replicas
   * where the plan has none or a larger one. The remainder only ever lowers the pool's estimate of
   * what is left. Most answers carry no news and cause no call; {@code refill} is asked in one.
   */
  public void observe(Lease lease, Limits limits, Remaining remaining, Supplier<Refill> refill) {
    parts.reports.observe(lease, limits, remaining, refill, latest());
  }

  /**
   * The model class of requests that count against another quota of their account: a quota group of
   * its own. The same class if eight are open.
   */
  public String subQuota(String modelClass, String quota) {
    return scripts.plans().subQuota(modelClass, quota);
  }

  /**
   * A kind of requests of a model class, such as a service tier: they count in the class's quota,
   * but an account may refuse them alone. {@link #coolKind} is for that.
   *
   * @return the kind, for demands; empty if eight of the class are open
   */
  public String kind(String modelClass, String kind) {
    return scripts.plans().kind(modelClass, kind);
  }

  /**
   * An account refused requests of a kind: it gets none of them for a time, from any replica.
   *
   * @param howLong zero to let Redis choose: 1 s, doubled with every refusal in a row, at most 60 s
   */
  public void coolKind(String account, String modelClass, String kind, Duration howLong) {
    coolGroup(PoolPlan.group(account, PoolPlan.subQuota(modelClass, kind)), howLong);
  }

  /** Quarantines keys until {@link OperatorActions#restore}, for all replicas. */
  public void quarantine(List<String> keys, String reason) {
    parts.reports.quarantine(keys, reason, false);
  }

  /**
   * As {@link #quarantine}, because the provider refused the keys' credentials: {@link
   * #reconfigure(PoolPlan, Set)} with a new secret ends it, too.
   */
  public void quarantineRefused(List<String> keys, String reason) {
    parts.reports.quarantine(keys, reason, true);
  }

  /** What operators do to a key by hand. */
  public OperatorActions operator() {
    return new OperatorActions(scripts);
  }

  /** Ends the quarantine of these keys only, not of the rest of their accounts. */
  CompletableFuture<Void> restoreKeys(List<String> ids) {
    return scripts.standings().restore(ids.stream().map(id -> "k:" + id).toList());
  }

  /** Reads the present state. The future fails when Redis cannot be asked. */
  public CompletableFuture<PoolSnapshot> snapshot() {
    parts.leaseEndings.flush(); // so that the snapshot shows leases that have just ended
    return scripts.fleet().observe();
  }

  /** Whether others run in the lease's group: here now, or anywhere at the last heartbeat. */
  public boolean runsBeside(Lease lease) {
    PoolSnapshot latest = latest();
    return parts.renewals.hasBeside(lease)
        || (latest != null
            && latest.groups().stream()
                .anyMatch(group -> group.id().equals(lease.group()) && group.inFlight() > 0));
  }

  /** The state at the last heartbeat; of a large pool see {@link #latestAge}. */
  public @Nullable PoolSnapshot latest() {
    return parts.heartbeat.latest();
  }

  /** The time since the groups and keys of {@link #latest} were read. */
  public Duration latestAge() {
    return parts.heartbeat.latestAge();
  }

  /** The fallback that decides now; empty while Redis does. */
  public Optional<Fallback> fallback() {
    return use() == RedisUse.SHARED ? Optional.empty() : Optional.of(parts.options.fallback());
  }

  /** How Redis serves this pool. */
  RedisUse use() {
    return parts.accepted.use(parts.link);
  }

  /** Token estimates for the pool's models, learned by all replicas together. */
  public Estimates estimates() {
    return parts.exchange.estimates();
  }

  /** The state of each key, if demands name their key. */
  public NamedKeys named() {
    return new NamedKeys(parts.acquires, parts.ledger, scripts.fleet());
  }

  /** Live leases of this replica. */
  public int liveLeases() {
    return parts.renewals.size();
  }

  /** Tokens that this replica's settlements charged beyond the reservations. */
  public long overageTokens() {
    return parts.leaseEndings.overageTokens();
  }

  /** Announces the pool's shape to Redis. */
  public CompletableFuture<Void> configure() {
    return scripts.plans().configure();
  }

  /** What the engine does to keep the pool up. */
  PoolUpkeep upkeep() {
    return upkeep;
  }
}
