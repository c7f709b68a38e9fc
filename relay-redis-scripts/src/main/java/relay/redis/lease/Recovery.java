package relay.redis.lease;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.model.Usage;
import relay.redis.script.PoolScripts;
import relay.redis.script.Reply;

/**
 * Charges what Redis has not counted, or has lost: use without Redis, the last grants before a
 * failover, leases that Redis does not know any longer. Each counts once.
 */
public final class Recovery {
  private static final Logger log = LoggerFactory.getLogger(Recovery.class);

  /** The age at which an ended lease's tombstone may be gone, less a few seconds. */
  private static final long FORGOTTEN_NANOS = 25_000_000_000L;

  private final PoolScripts scripts;
  private final LeaseCalls calls;
  private final BudgetLedger ledger;
  private final OutageDebt debt;
  private final UnsentUpdates unsent;
  private final Consumer<PendingUpdate> send;
  private final RecentGrants recent;
  private final UsedLately used;
  private final LongSupplier nanoTime;

  /**
   * @param send sends what follows from a charge
   */
  Recovery(
      PoolScripts scripts,
      BudgetLedger ledger,
      OutageDebt debt,
      UnsentUpdates unsent,
      Consumer<PendingUpdate> send,
      LongSupplier nanoTime) {
    this.scripts = scripts;
    calls = new LeaseCalls(scripts);
    this.ledger = ledger;
    this.debt = debt;
    this.unsent = unsent;
    this.send = send;
    this.nanoTime = nanoTime;
    recent = new RecentGrants(nanoTime);
    used = new UsedLately(scripts.plan().window(), nanoTime);
  }

  /** A lease that Redis has granted. */
  void began(TrackedLease lease) {
    recent.add(lease);
    used.began(lease);
  }

  /** One that lasts: only what it reserved is remembered, as used. */
  public void reserved(LastingLease lease) {
    Usage all = new Usage(lease.requests(), lease.inputTokens(), lease.outputTokens());
    used.charged(lease.epoch(), lease.group(), List.of(new Used(all, now())));
  }

  /** Notes that a lease has ended. */
  void ended(TrackedLease lease, Usage cost) {
    used.ended(lease, cost);
  }

  /** Redis is away. */
  public void away() {
    recent.away();
  }

  /** The usage that Redis gets after a loss of its state. */
  public UsedLately used() {
    return used;
  }

  /** Charges use, unless it has aged out. */
  void charge(PendingUpdate.LateCharge late) {
    if (isUnanswered(late.unansweredNanos(), windowNanos())) {
      log.debug("Pool {} drops {}: the usage has aged out", pool(), late);
    } else {
      var _ =
          calls
              .charge(late, now())
              .whenComplete((reply, failure) -> lateDone(late, reply, failure));
    }
  }

  /** Charges a lease again, unless Redis may have done so. */
  void recharge(PendingUpdate.Recharge again) {
    if (isUnanswered(again.unansweredNanos(), FORGOTTEN_NANOS)) {
      log.debug("Pool {} drops {}: Redis may have charged and forgotten it", pool(), again);
    } else {
      var _ = chargeAgain(again);
    }
  }

  /**
   * Redis is back, perhaps as another server without the last writes. Charges the last grants again
   * and repeats their endings; Redis counts what it knows only once.
   *
   * @param replicas that share the rates
   */
  public void chargeAgain(int replicas) {
    List<TrackedLease> lost =
        recent.perhapsLost().stream().filter(lease -> !isTold(lease)).toList();
    var _ = new Recharges(this::chargeAgain).last(lost, replicas, now());
  }

  /** Charges requests that run, after the pool's state was lost: its debt is there already. */
  public CompletableFuture<?> chargeApart(List<TrackedLease> running) {
    return new Recharges(this::chargeAgain).all(running, windowNanos() / 1_000);
  }

  /** Whether the use of an ended lease is reported with all use before a loss. */
  private boolean isTold(TrackedLease lease) {
    return used.tells(lease, scripts.epoch()) && !ledger.counts(lease);
  }

  private void lateDone(
      PendingUpdate.LateCharge late, @Nullable Reply reply, @Nullable Throwable failure) {
    unsent.keepIfFailed(late, failure);
    debt.failed(failure);
    if (reply instanceof Reply.Done) {
      used.charged(scripts.epoch(), late.group(), late.used());
    }
  }

  /** A lease that still runs is a lease again, so its end is settled as any other. */
  private CompletableFuture<?> chargeAgain(PendingUpdate.Recharge again) {
    TrackedLease lease = again.lease();
    Usage ended = lease.charged();
    if (Usage.NONE.equals(ended)) {
      send.accept(PendingUpdate.Cancel.of(lease));
      return CompletableFuture.completedFuture(null);
    }
    CompletableFuture<Reply> charged =
        ended == null
            ? chargeRunning(lease, again.spreadMicros())
            : chargeEnded(
                lease,
                new PendingUpdate.LateCharge(
                    lease.id(),
                    lease.group(),
                    Used.of(lease, ended, now()),
                    ledger.again(lease, lease.usedNanodollars(), ended.totalTokens()),
                    again.spreadMicros()));
    charged = charged.whenComplete((reply, failure) -> unsent.keepIfFailed(again, failure));
    if (ended != null) {
      send.accept(new PendingUpdate.Settle(lease, ended));
    }
    return charged;
  }

  private CompletableFuture<Reply> chargeRunning(TrackedLease lease, long spreadMicros) {
    Used as = Used.ofRunning(lease, now());
    PendingUpdate.Spent spent =
        ledger.again(lease, lease.reservedNanodollars(), as.usage().totalTokens());
    return calls
        .chargeRunning(lease, as, spent, spreadMicros, now())
        .whenComplete((reply, failure) -> used.charged(reply, lease, scripts.epoch(), as));
  }

  private CompletableFuture<Reply> chargeEnded(TrackedLease lease, PendingUpdate.LateCharge late) {
    return calls
        .charge(late, now())
        .whenComplete((reply, failure) -> used.charged(reply, lease, scripts.epoch(), late));
  }

  /**
   * Redis does not know the lease. If the pool's state or its last writes were lost, so was the
   * charge: charge all of it. Otherwise the lease expired long ago, and only the use beyond its
   * reservation is missing; of output that was reported, what was made since then. Or an earlier
   * call has settled the lease, and got no answer.
   */
  void unknown(PendingUpdate.Settle settle) {
    TrackedLease lease = settle.lease();
    Usage cost = settle.cost();
    var _ =
        scripts
            .plans()
            .configure()
            .whenComplete(
                (done, failure) -> {
                  if (failure != null) {
                    unsent.keep(settle);
                    return;
                  }
                  if (isTold(lease)) {
                    return;
                  }
                  boolean lost = lease.countedEpoch() != scripts.epoch() || recent.holds(lease);
                  if (!lost && isUnanswered(settle.unansweredNanos(), FORGOTTEN_NANOS)) {
                    return; // Redis has most likely charged it, and forgotten that
                  }
                  if (lost) {
                    chargeLost(settle);
                  } else {
                    chargeOver(lease, cost);
                  }
                });
  }

  /**
   * The use beyond the reservation, also of budgets. Its id counts once, however often it is sent.
   */
  private void chargeOver(TrackedLease lease, Usage cost) {
    Usage over =
        new Usage(
            0,
            Math.max(0, cost.inputTokens() - lease.inputTokens()),
            Math.max(0, cost.outputTokens() - lease.toldOutput()));
    PendingUpdate.Spent spent = ledger.beyond(lease, cost);
    if (over.totalTokens() + spent.tokens() + spent.nanodollars() > 0) {
      List<Used> used = List.of(new Used(over, now()));
      send.accept(new PendingUpdate.LateCharge(lease.id(), lease.group(), used, spent, 0));
    }
  }

  private void chargeLost(PendingUpdate.Settle settle) {
    TrackedLease lease = settle.lease();
    boolean again = ledger.counts(lease); // its budgets may know the reservation: it is settled
    PendingUpdate.LateCharge late =
        new PendingUpdate.LateCharge(
            lease.id(), lease.group(), Used.of(lease, settle.cost(), now()));
    var _ =
        (again ? chargeRunning(lease, 0) : chargeEnded(lease, late))
            .whenComplete(
                (reply, failure) -> {
                  unsent.keepIfFailed(again ? settle : late, failure);
                  // or it was charged as running meanwhile
                  if (reply instanceof Reply.Ended || (again && reply instanceof Reply.Done)) {
                    send.accept(settle);
                  }
                });
  }

  /** Whether an update was first sent that long ago, without an answer. */
  private boolean isUnanswered(long sinceNanos, long passedNanos) {
    return sinceNanos != 0 && now() - sinceNanos >= passedNanos;
  }

  private long windowNanos() {
    return scripts.plan().window().toNanos();
  }

  private long now() {
    return nanoTime.getAsLong();
  }

  private String pool() {
    return scripts.plan().name();
  }
}
