package relay.redis;

import io.lettuce.core.RedisCommandExecutionException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import relay.redis.Acquisition.Granted;
import relay.redis.Acquisition.Unavailable;

/** Grants without Redis, as the fallback allows. Redis is charged for them after the outage. */
final class OutageGrants {
  private final KeyPool pool;
  private final PoolScripts scripts;
  private final FairShare fairShare;
  private final LeaseEndings leaseEndings;
  private final BudgetLedger ledger;
  private final Fallback fallback;
  private final LeaseIds leaseIds;
  private final RedisLink link;
  private final AtomicReference<Debt> debt = new AtomicReference<>(Debt.NONE);
  private volatile boolean hasUsage; // that Redis has not counted

  /** What Redis does not know since it was away, or refused calls. */
  private enum Debt {
    NONE,
    REFUSED,
    OWED,
    TOLD_NOW
  }

  OutageGrants(
      RedisLink link,
      KeyPool pool,
      PoolScripts scripts,
      FairShare fairShare,
      LeaseEndings leaseEndings,
      BudgetLedger ledger,
      Fallback fallback,
      LeaseIds leaseIds) {
    this.link = link;
    this.pool = pool;
    this.scripts = scripts;
    this.fairShare = fairShare;
    this.leaseEndings = leaseEndings;
    this.ledger = ledger;
    this.fallback = fallback;
    this.leaseIds = leaseIds;
  }

  /**
   * Grants or refuses a demand.
   *
   * @param last the pool's state when Redis last answered
   */
  Acquisition grant(Demand demand, @Nullable PoolSnapshot last) {
    Acquisition over = ledger.refusal(demand);
    if (over != null) {
      return over;
    }
    return switch (fallback) {
      case CLOSED -> new Unavailable();
      case FAIR_SHARE -> grant(demand, last, !scripts.isShadow(demand));
      case OPEN -> grant(demand, last, false);
    };
  }

  private Acquisition grant(Demand demand, @Nullable PoolSnapshot last, boolean limited) {
    return switch (fairShare.choose(demand, last, limited)) {
      case FairShare.Choice.Refused r -> r.why();
      case FairShare.Choice.Taken t -> {
        hasUsage = true;
        if (!link.isUp()) {
          away();
        } else if (link.isSlow()) {
          charge(); // others use Redis meanwhile
        }
        yield new Granted(Lease.withoutRedis(pool, leaseIds.next(), t));
      }
    };
  }

  /** Redis has left a call without an answer: its time was waited for, or the connection ended. */
  void unanswered(Throwable why) {
    fairShare.beginOutage(why instanceof TimeoutException ? link.timeout() : Duration.ZERO);
  }

  /**
   * Redis has refused a call. If it cannot write now, it is not asked before the next heartbeat,
   * and then it is told first.
   */
  void refused(RedisCommandExecutionException why) {
    link.reportRefusal("a call for pool " + pool.plan().name(), why);
    if (fallback != Fallback.CLOSED && RedisLink.isUnable(why)) {
      debt.set(Debt.REFUSED);
    }
  }

  /** A heartbeat. */
  void askAgain() {
    debt.compareAndSet(Debt.REFUSED, Debt.OWED);
  }

  void end(Lease lease, long inputTokens, long outputTokens) {
    if (fairShare.end(lease, inputTokens, outputTokens)) {
      hasUsage = true;
    }
  }

  /** Redis is away. */
  void away() {
    if (debt.get() != Debt.OWED && fallback != Fallback.CLOSED) {
      debt.set(Debt.OWED);
    }
  }

  /**
   * Whether Redis may be asked. After an outage it must hear first of the use since then, or it
   * would grant that a second time. It runs calls in the order in which they are sent.
   *
   * @param tell sends that
   * @return false while another thread tells
   */
  boolean isTold(Runnable tell) {
    if (debt.get() == Debt.NONE) {
      return true;
    }
    if (!debt.compareAndSet(Debt.OWED, Debt.TOLD_NOW)) {
      return false;
    }
    try {
      tell.run();
      return true;
    } finally {
      debt.compareAndSet(Debt.TOLD_NOW, Debt.NONE); // unless Redis went away again
    }
  }

  /** Hands the usage of an outage to the endings, which charge it in Redis. */
  void charge() {
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
