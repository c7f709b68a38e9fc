package relay.redis;

import io.lettuce.core.RedisCommandExecutionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import relay.redis.lease.BudgetLedger;
import relay.redis.lease.LeaseEndings;
import relay.redis.lease.LeaseRenewals;
import relay.redis.lease.PendingUpdate;
import relay.redis.lease.QueueFullException;
import relay.redis.link.AcceptedCalls;
import relay.redis.link.RedisGoneException;
import relay.redis.link.RedisLink;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.Overloaded;
import relay.redis.model.Demand;
import relay.redis.model.Lease;
import relay.redis.model.PoolSnapshot;
import relay.redis.outage.OutageGrants;
import relay.redis.script.PoolScripts;
import relay.redis.script.Reply;

/** What a pool's acquire comes to: by the reply of Redis, or without one. */
final class AcquireAnswers {
  private final Lease.End end;
  private final Supplier<@Nullable PoolSnapshot> latest;
  private final PoolScripts scripts;
  private final LeaseEndings leaseEndings;
  private final LeaseRenewals renewals;
  private final BudgetLedger ledger;
  private final OutageGrants outage;
  private final AcceptedCalls accepted;

  AcquireAnswers(
      Lease.End end,
      Supplier<@Nullable PoolSnapshot> latest,
      PoolScripts scripts,
      LeaseEndings leaseEndings,
      LeaseRenewals renewals,
      BudgetLedger ledger,
      OutageGrants outage,
      AcceptedCalls accepted) {
    this.end = end;
    this.latest = latest;
    this.scripts = scripts;
    this.leaseEndings = leaseEndings;
    this.renewals = renewals;
    this.ledger = ledger;
    this.outage = outage;
    this.accepted = accepted;
  }

  /** Redis has answered. */
  Acquisition granted(String id, Reply reply, Demand demand) {
    accepted.acquired();
    return switch (reply) {
      case Reply.Grant g -> {
        Lease lease = g.lease(end, id, scripts.epoch()).reserving(demand);
        leaseEndings.began(lease); // before a loss finds it among those that run
        renewals.add(lease);
        ledger.uses(lease.key());
        yield new Granted(lease);
      }
      case Reply.Refusal r -> r.why();
      // Not expected: a new lease has ended, or the pool is unknown right after configure
      case Reply.Ended _, Reply.Unknown _, Reply.LookAgain _ -> outage.grant(demand, latest.get());
      case Reply.Unpinned _, Reply.Settled _, Reply.Done _ -> outage.grant(demand, latest.get());
      case Reply.InUse _, Reply.OverBudget _ -> outage.grant(demand, latest.get());
    };
  }

  /**
   * There is no answer.
   *
   * @param failure null if the reply was none
   */
  Acquisition failed(String id, Demand demand, @Nullable Throwable failure) {
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
    return outage.grant(demand, latest.get());
  }
}
