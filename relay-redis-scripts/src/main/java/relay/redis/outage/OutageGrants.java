package relay.redis.outage;

import io.lettuce.core.RedisCommandExecutionException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import relay.redis.lease.BudgetLedger;
import relay.redis.lease.LeaseEndings;
import relay.redis.lease.LeaseIds;
import relay.redis.lease.OutageDebt;
import relay.redis.lease.PendingUpdate;
import relay.redis.link.RedisLink;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.Unavailable;
import relay.redis.model.Demand;
import relay.redis.model.Lease;
import relay.redis.model.PoolSnapshot;
import relay.redis.script.PoolScripts;

/** Grants without Redis, as the fallback allows. Redis is charged for them after the outage. */
public final class OutageGrants {
  private final Lease.End end;
  private final PoolScripts scripts;
  private final FairShare fairShare;
  private final LeaseEndings leaseEndings;
  private final BudgetLedger ledger;
  private final LeaseIds leaseIds;
  private final RedisLink link;
  private final OutageDebt debt;
  private volatile boolean hasUsage; // that Redis has not counted

  public OutageGrants(
      RedisLink link,
      Lease.End end,
      PoolScripts scripts,
      FairShare fairShare,
      LeaseEndings leaseEndings,
      BudgetLedger ledger,
      LeaseIds leaseIds,
      OutageDebt debt) {
    this.link = link;
    this.end = end;
    this.scripts = scripts;
    this.fairShare = fairShare;
    this.leaseEndings = leaseEndings;
    this.ledger = ledger;
    this.leaseIds = leaseIds;
    this.debt = debt;
  }

  /**
   * Grants or refuses a demand.
   *
   * @param last the pool's state when Redis last answered
   */
  public Acquisition grant(Demand demand, @Nullable PoolSnapshot last) {
    Acquisition over = ledger.refusal(demand);
    if (over != null) {
      return over;
    }
    return switch (debt.fallback()) {
      case CLOSED -> new Unavailable();
      case FAIR_SHARE -> grant(demand, last, !scripts.isShadow(demand));
      case OPEN -> grant(demand, last, false);
    };
  }

  /** The same for a request for which Redis was not asked, since it may have to be told first. */
  public Acquisition grantUnasked(Demand demand, @Nullable PoolSnapshot last) {
    Acquisition granted = grant(demand, last);
    if (link.isUp() && debt.isNone()) {
      charge(); // another thread told it while this one chose
    }
    return granted;
  }

  private Acquisition grant(Demand demand, @Nullable PoolSnapshot last, boolean limited) {
    return switch (fairShare.choose(demand, last, limited)) {
      case FairShare.Choice.Refused r -> r.why();
      case FairShare.Choice.Taken t -> {
        hasUsage = true;
        if (!link.isUp()) {
          debt.away();
        } else if (link.isSlow()) {
          charge(); // others use Redis meanwhile
        }
        yield new Granted(t.lease(end, leaseIds.next()));
      }
    };
  }

  /** Redis has left a call without an answer: its time was waited for, or the connection ended. */
  public void unanswered(Throwable why) {
    fairShare.beginOutage(why instanceof TimeoutException ? link.timeout() : Duration.ZERO);
  }

  /** Redis has refused a call. */
  public void refused(RedisCommandExecutionException why) {
    link.reportRefusal("a call for pool " + scripts.plan().name(), why);
    debt.failed(why);
  }

  /** Usage that Redis does not know of yet. It gets it before it decides again. */
  public OutageDebt debt() {
    return debt;
  }

  public void end(Lease lease, long inputTokens, long outputTokens) {
    if (fairShare.end(lease, inputTokens, outputTokens)) {
      hasUsage = true;
    }
  }

  /**
   * Whether Redis may be asked, as {@link OutageDebt#isTold}. What others were granted while this
   * thread told is charged before it asks.
   */
  public boolean isTold(Runnable tell) {
    if (debt.isNone()) {
      return true;
    }
    boolean told = debt.isTold(tell);
    if (told) {
      charge();
    }
    return told;
  }

  /** Hands the usage of an outage to the endings, which charge it in Redis. */
  public void charge() {
    if (hasUsage) {
      hasUsage = false;
      OutageUsage.Taken taken = fairShare.takeOutageUsage();
      taken
          .byGroup()
          .forEach(
              (group, used) ->
                  leaseEndings.send(
                      new PendingUpdate.LateCharge(
                          leaseIds.next(),
                          group,
                          used,
                          PendingUpdate.Spent.NOTHING,
                          taken.nanos() / 1_000)));
    }
  }
}
