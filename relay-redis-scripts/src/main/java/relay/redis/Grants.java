package relay.redis;

import io.lettuce.core.RedisCommandExecutionException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import relay.redis.lease.AcquireCalls;
import relay.redis.lease.BudgetLedger;
import relay.redis.lease.LastingLease;
import relay.redis.lease.LastingLeases;
import relay.redis.lease.LeaseEndings;
import relay.redis.lease.LeaseIds;
import relay.redis.lease.LeaseRenewals;
import relay.redis.lease.PendingUpdate;
import relay.redis.lease.QueueFullException;
import relay.redis.lease.TrackedLease;
import relay.redis.link.AcceptedCalls;
import relay.redis.link.RedisGoneException;
import relay.redis.link.RedisLink;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Acquisition.Overloaded;
import relay.redis.model.Acquisition.Unavailable;
import relay.redis.model.Demand;
import relay.redis.model.Lasting;
import relay.redis.model.Lease;
import relay.redis.model.LeaseRef;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.Usage;
import relay.redis.outage.OutageGrants;
import relay.redis.script.PoolScripts;
import relay.redis.script.Reply;

/** Grants a pool's demands, by Redis or without it, and ends what it granted. */
final class Grants {
  private final RedisLink link;
  private final PoolScripts scripts;
  private final Lease.End end;
  private final LeaseIds leaseIds;
  private final AcquireCalls acquires;
  private final LeaseEndings leaseEndings;
  private final LastingLeases lasting;
  private final LeaseRenewals renewals;
  private final BudgetLedger ledger;
  private final OutageGrants outage;
  private final Retirement retirement;
  private final AcceptedCalls accepted;
  private final Supplier<@Nullable PoolSnapshot> latest;
  private final Runnable tell;

  /** The parts that know which leases run. */
  record Running(
      AcquireCalls acquires,
      LeaseEndings leaseEndings,
      LastingLeases lasting,
      LeaseRenewals renewals,
      BudgetLedger ledger,
      OutageGrants outage,
      Retirement retirement) {}

  /**
   * @param end gets the end of each lease, and calls {@link #ended}
   */
  Grants(
      RedisLink link,
      PoolScripts scripts,
      Lease.End end,
      LeaseIds leaseIds,
      Running running,
      AcceptedCalls accepted,
      Heartbeat heartbeat) {
    this.link = link;
    this.scripts = scripts;
    this.end = end;
    this.leaseIds = leaseIds;
    acquires = running.acquires();
    leaseEndings = running.leaseEndings();
    lasting = running.lasting();
    renewals = running.renewals();
    ledger = running.ledger();
    outage = running.outage();
    retirement = running.retirement();
    this.accepted = accepted;
    latest = heartbeat::latest;
    tell = heartbeat::tellUse;
  }

  /** As {@link KeyPool#acquire(Demand)}. */
  CompletableFuture<Acquisition> acquire(Demand demand) {
    if (retirement.hasBegun()) {
      return CompletableFuture.completedFuture(new NoneUsable());
    }
    Lasting lasting = demand.lasting();
    if (!link.isTimely() || !outage.isTold(tell)) {
      return CompletableFuture.completedFuture(
          lasting != null ? new Unavailable() : outage.grantUnasked(demand, latest.get()));
    }
    String id = lasting != null ? lasting.id() : leaseIds.next();
    return acquires
        .acquire(id, demand)
        .handle(
            (reply, failure) ->
                reply != null ? granted(id, reply, demand) : failed(id, demand, failure));
  }

  /** A lease has ended. */
  void ended(Lease lease, Usage cost, long nanodollars) {
    if (lease instanceof TrackedLease tracked) {
      renewals.remove(lease.id());
      ledger.uses(lease.key());
      leaseEndings.ended(tracked, cost, nanodollars);
    } else if (lease instanceof LastingLease) {
      ledger.uses(lease.key());
      var _ = lasting.end(LeaseRef.of(lease), cost, nanodollars, false);
    } else {
      outage.end(lease, cost.inputTokens(), cost.outputTokens());
      if (!cost.equals(Usage.NONE)) {
        ledger.passed(lease, nanodollars);
      }
    }
  }

  /** Redis has answered. */
  private Acquisition granted(String id, Reply reply, Demand demand) {
    accepted.acquired();
    return switch (reply) {
      case Reply.Grant g when demand.lasting() != null -> {
        ledger.uses(g.key());
        LastingLease lease = LastingLease.of(g, end, demand.lasting(), scripts.epoch(), demand);
        leaseEndings.recovery().reserved(lease); // a loss must not give it out again
        yield new Granted(lease);
      }
      case Reply.Grant g -> {
        TrackedLease lease = TrackedLease.of(g, end, id, scripts.epoch(), demand);
        leaseEndings.began(lease); // before a loss finds it among those that run
        renewals.add(lease);
        ledger.uses(lease.key());
        yield new Granted(lease);
      }
      case Reply.Refusal r -> r.why();
      // Not expected: a new lease has ended, or the pool is unknown right after configure
      case Reply.Ended _, Reply.Unknown _, Reply.LookAgain _ -> withoutRedis(demand);
      case Reply.Unpinned _, Reply.Settled _, Reply.Done _ -> withoutRedis(demand);
      case Reply.InUse _, Reply.OverBudget _ -> withoutRedis(demand);
    };
  }

  /** Without Redis no other replica could end a lasting lease. */
  private Acquisition withoutRedis(Demand demand) {
    return demand.lasting() == null ? outage.grant(demand, latest.get()) : new Unavailable();
  }

  /**
   * There is no answer.
   *
   * @param failure null if the reply was none
   */
  private Acquisition failed(String id, Demand demand, @Nullable Throwable failure) {
    switch (failure == null ? null : RedisLink.cause(failure)) {
      case null -> {}
      case RedisGoneException _ -> {} // the script was never called
      case QueueFullException _ -> {
        return new Overloaded(); // this replica called no script: Redis is not at fault
      }
      case RedisCommandExecutionException refused -> {
        accepted.acquireRefused();
        outage.refused(refused);
      }
      // Timeout or lost connection: it is unknown whether the lease was granted. The cancel undoes
      // the grant, whether it arrives before or after the acquire.
      case Throwable why -> {
        leaseEndings.send(new PendingUpdate.Cancel(id, demand.key(), demand.cost()));
        outage.unanswered(why);
      }
    }
    return withoutRedis(demand);
  }
}
