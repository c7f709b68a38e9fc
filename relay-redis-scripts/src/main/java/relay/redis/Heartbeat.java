package relay.redis;

import io.lettuce.core.RedisCommandExecutionException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import relay.redis.lease.LeaseEndings;
import relay.redis.lease.LeaseRenewals;
import relay.redis.link.AcceptedCalls;
import relay.redis.link.RedisLink;
import relay.redis.model.PoolSnapshot;
import relay.redis.outage.FairShare;
import relay.redis.outage.OutageGrants;
import relay.redis.outage.Recall;
import relay.redis.script.PoolScripts;

/**
 * A replica's heartbeat for a pool, twice a second, and the state of the pool that it sees then.
 */
final class Heartbeat {
  private final RedisLink link;
  private final PoolScripts scripts;
  private final String replica;
  private final FairShare fairShare;
  private final OutageGrants outage;
  private final AcceptedCalls accepted;
  private final Senders senders;
  private final Recall recall;
  private final AtomicBoolean mayHaveLost = new AtomicBoolean(); // Redis was away
  private volatile @Nullable PoolSnapshot latest;

  /** The parts that keep updates until Redis can get them. */
  record Senders(
      LeaseEndings leaseEndings,
      LeaseRenewals renewals,
      EstimateExchange exchange,
      Rekeys rekeys,
      Retirement retirement) {}

  /**
   * @param replica this replica's id; empty for an observer
   */
  Heartbeat(
      RedisLink link,
      PoolScripts scripts,
      String replica,
      FairShare fairShare,
      OutageGrants outage,
      AcceptedCalls accepted,
      Senders senders) {
    this.link = link;
    this.scripts = scripts;
    this.replica = replica;
    this.fairShare = fairShare;
    this.outage = outage;
    this.accepted = accepted;
    this.senders = senders;
    recall =
        new Recall(
            scripts,
            replica,
            senders.leaseEndings().recovery(),
            senders.renewals(),
            System::nanoTime);
  }

  /** The state at the last heartbeat. */
  @Nullable PoolSnapshot latest() {
    return latest;
  }

  /** The time since its groups and keys were read. */
  Duration latestAge() {
    return Duration.ofNanos(System.nanoTime() - scripts.fleet().shownAt());
  }

  void tick() {
    if (!link.isUp()) {
      senders.leaseEndings().recovery().away();
      outage.debt().away();
      return;
    }
    if (mayHaveLost.get()) {
      var _ = chargeLost(); // the first time failed
    }
    survey();
    sendPending();
    recall.tell();
    senders.rekeys().sendAgain();
    senders.renewals().renewDue();
    senders.exchange().tick();
    outage.debt().askAgain();
    Retirement retirement = senders.retirement();
    if (retirement.isDue(System.nanoTime()) && isQuiet()) {
      retirement.ends();
      var _ = leave().whenComplete((done, failure) -> retirement.left(isQuiet()));
    }
  }

  private void survey() {
    long sent = System.nanoTime();
    scripts
        .fleet()
        .beat()
        .thenAccept(
            snapshot -> {
              accepted.beat();
              recall.saw(scripts.fleet().alive());
              fairShare.heartbeat(sent, scripts.fleet().replicas());
              if (snapshot != null) {
                latest = snapshot;
              }
              fairShare.endOutage();
            })
        .exceptionally(
            failure -> { // the next tick tries again
              if (RedisLink.cause(failure) instanceof RedisCommandExecutionException) {
                accepted.beatRefused();
              }
              return null;
            });
  }

  /**
   * Before the first request after an outage: charges the use without Redis, and keeps free what
   * replicas may use that are not back yet.
   */
  void tellUse() {
    senders.leaseEndings().sendAgain();
    outage.charge();
    survey();
  }

  private void sendPending() {
    senders.leaseEndings().flush();
    senders.leaseEndings().sendAgain();
    outage.charge();
  }

  /** Whether all leases have ended and no ending is pending. */
  private boolean isQuiet() {
    return senders.renewals().isEmpty() && fairShare.isIdle() && senders.leaseEndings().isEmpty();
  }

  /** The last survey: updates the readable picture and removes this replica. */
  CompletableFuture<Void> leave() {
    if (!link.isUp() || replica.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    sendPending();
    senders.exchange().tick();
    return scripts.fleet().leave().handle((done, failure) -> null);
  }

  /** Announces the pool to a Redis that is up again, and charges what it may have lost. */
  void announceAgain() {
    mayHaveLost.set(true);
    var _ = chargeLost().whenComplete((done, failure) -> tick());
  }

  private CompletableFuture<Void> chargeLost() {
    return scripts
        .plans()
        .configure()
        .whenComplete(
            (done, failure) -> {
              if (failure == null && mayHaveLost.compareAndSet(true, false)) {
                senders.leaseEndings().recovery().chargeAgain(fairShare.replicas());
              }
            });
  }
}
