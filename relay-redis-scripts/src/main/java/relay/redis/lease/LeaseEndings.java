package relay.redis.lease;

import relay.redis.link.Alarm;
import io.lettuce.core.RedisCommandExecutionException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.lease.PendingUpdate.Ending;
import relay.redis.link.RedisGoneException;
import relay.redis.link.RedisLink;
import relay.redis.model.Lease;
import relay.redis.model.RedisTrouble;
import relay.redis.model.Usage;
import relay.redis.script.PoolScripts;
import relay.redis.script.Reply;

/**
 * Sends the ends of leases to Redis without waiting for replies. An ending travels in the next
 * acquire call, which makes it cheap and counts it before that request. If no acquire comes for
 * {@value #HELD_MS} ms, endings are sent in a call of their own. Endings that could not be sent are
 * kept, up to {@value #MAX_UNSENT}, and sent again; Redis counts each once.
 */
public final class LeaseEndings {
  private static final Logger log = LoggerFactory.getLogger(LeaseEndings.class);
  private static final int MAX_UNSENT = 10_000;
  private static final int BATCH = 64;
  private static final int HELD_MS = 2;

  /** A lease's tombstone may be gone then: so long after it ended, and a few seconds less. */
  private static final long FORGOTTEN_NANOS = 25_000_000_000L;

  private final PoolScripts scripts;
  private final LeaseCalls calls;
  private final BudgetLedger ledger;
  private final String pool;
  private final OutageDebt debt;
  private final Alarm alarm;
  private final RecentGrants recent;
  private final UsedLately used;
  private final LongSupplier nanoTime;
  private final Queue<Ending> endings = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean alarmSet = new AtomicBoolean();
  private volatile boolean endedSinceAlarm; // a lease has ended since the last alarm
  private volatile boolean acquiredSinceAlarm; // an acquire call has taken endings since then
  private final Queue<PendingUpdate> unsent = new LinkedBlockingQueue<>(MAX_UNSENT);
  private final AtomicLong overage = new AtomicLong();
  private volatile boolean closing;

  /**
   * @param alarm runs callbacks after a delay, while the engine runs
   */
  public LeaseEndings(
      PoolScripts scripts,
      BudgetLedger ledger,
      String pool,
      OutageDebt debt,
      Alarm alarm,
      LongSupplier nanoTime) {
    this.scripts = scripts;
    calls = new LeaseCalls(scripts);
    this.ledger = ledger;
    this.pool = pool;
    this.debt = debt;
    this.alarm = alarm;
    this.nanoTime = nanoTime;
    recent = new RecentGrants(nanoTime);
    used = new UsedLately(scripts.plan().window(), nanoTime);
  }

  /** Whether there is nothing that Redis was not told. */
  public boolean isEmpty() {
    return endings.isEmpty() && unsent.isEmpty();
  }

  /** Tokens that settlements charged beyond the reservations. */
  public long overageTokens() {
    return overage.get();
  }

  public void send(PendingUpdate update) {
    switch (update) {
      case PendingUpdate.LateCharge late when isUnanswered(late.unansweredNanos(), windowNanos()) ->
          log.debug("Pool {} drops {}: the usage has aged out", pool, late);
      case PendingUpdate.Recharge again
          when isUnanswered(again.unansweredNanos(), FORGOTTEN_NANOS) ->
          log.debug("Pool {} drops {}: Redis may have charged and forgotten it", pool, again);
      case PendingUpdate.Recharge again -> {
        var _ = chargeAgain(again);
      }
      case PendingUpdate.LateCharge late -> {
        var _ =
            calls
                .charge(late, now())
                .whenComplete((reply, failure) -> lateDone(late, reply, failure));
      }
      case Ending ending -> {
        endings.add(ending);
        if (closing) {
          flush(); // alarms no longer fire
        } else {
          if (!endedSinceAlarm) {
            endedSinceAlarm = true;
          }
          setAlarm();
        }
      }
    }
  }

  /** What Redis is told after a loss of its state. */
  public UsedLately used() {
    return used;
  }

  /** A lease that Redis has granted. */
  public void began(Lease lease) {
    recent.add(lease);
    used.began(lease);
  }

  /** It has ended. */
  public void ended(Lease lease, Usage cost) {
    used.ended(lease, cost);
    boolean never = cost.equals(Usage.NONE);
    send(never ? PendingUpdate.Cancel.of(lease) : new PendingUpdate.Settle(lease, cost));
  }

  /**
   * Redis is back, perhaps as another server without the last writes. Charges the last grants again
   * and repeats their endings; Redis counts what it knows only once.
   *
   * @param replicas that share the rates
   */
  public void chargeAgain(int replicas) {
    List<Lease> lost = recent.perhapsLost().stream().filter(lease -> !isTold(lease)).toList();
    var _ = new Recharges(this::chargeAgain).last(lost, replicas, now());
  }

  /** Charges requests that run, after the pool's state was lost: its debt is there already. */
  public CompletableFuture<?> chargeApart(List<Lease> running) {
    return new Recharges(this::chargeAgain).all(running, windowNanos() / 1_000);
  }

  /** Whether what an ended lease has used is told with all that was used before a loss. */
  private boolean isTold(Lease lease) {
    return used.tells(lease, scripts.epoch()) && !ledger.counts(lease);
  }

  private void lateDone(
      PendingUpdate.LateCharge late, @Nullable Reply reply, @Nullable Throwable failure) {
    keepIfFailed(late, failure);
    debt.failed(failure);
    if (reply instanceof Reply.Done) {
      used.charged(scripts.epoch(), late.group(), late.used());
    }
  }

  /** A lease that still runs is a lease again, so its end is settled as any other. */
  private CompletableFuture<?> chargeAgain(PendingUpdate.Recharge again) {
    Lease lease = again.lease();
    Usage ended = lease.charged();
    if (Usage.NONE.equals(ended)) {
      send(PendingUpdate.Cancel.of(lease));
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
    charged = charged.whenComplete((reply, failure) -> keepIfFailed(again, failure));
    if (ended != null) {
      send(new PendingUpdate.Settle(lease, ended));
    }
    return charged;
  }

  private CompletableFuture<Reply> chargeRunning(Lease lease, long spreadMicros) {
    Used as = Used.ofRunning(lease, now());
    PendingUpdate.Spent spent =
        ledger.again(lease, lease.reservedNanodollars(), as.usage().totalTokens());
    return calls
        .chargeRunning(lease, as, spent, spreadMicros, now())
        .whenComplete((reply, failure) -> used.charged(reply, lease, scripts.epoch(), as));
  }

  private CompletableFuture<Reply> chargeEnded(Lease lease, PendingUpdate.LateCharge late) {
    return calls
        .charge(late, now())
        .whenComplete((reply, failure) -> used.charged(reply, lease, scripts.epoch(), late));
  }

  private long now() {
    return nanoTime.getAsLong();
  }

  /** Redis is away. */
  public void away() {
    recent.away();
  }

  /** Takes endings for an acquire call. Report the outcome to {@link #acquireDone}. */
  List<Ending> takeForAcquire() {
    if (!acquiredSinceAlarm) {
      acquiredSinceAlarm = true;
    }
    return Coalescer.takeUpTo(endings, BATCH);
  }

  private void setAlarm() {
    if (!alarmSet.get() && alarmSet.compareAndSet(false, true)) {
      var _ = alarm.in(TimeUnit.MILLISECONDS.toNanos(HELD_MS), this::onAlarm);
    }
  }

  /**
   * Rearms the alarm while leases keep ending, because setting one from another thread wakes the
   * timer's thread. While acquire calls come, endings wait for the next one.
   */
  private void onAlarm() {
    if (!acquiredSinceAlarm) {
      flush();
    }
    acquiredSinceAlarm = false;
    alarmSet.set(false);
    if (endedSinceAlarm || !endings.isEmpty()) {
      endedSinceAlarm = false;
      setAlarm();
    }
  }

  /** Sends every ending at once from now on. */
  public void close() {
    closing = true;
    flush();
  }

  /** Sends all pending endings. */
  public void flush() {
    while (!endings.isEmpty()) {
      settle(Coalescer.takeUpTo(endings, BATCH));
    }
  }

  /** Retries what could not be sent before. */
  public void sendAgain() {
    for (int n = unsent.size(); n > 0; n--) {
      PendingUpdate update = unsent.poll();
      if (update != null) {
        send(update);
      }
    }
  }

  private void settle(List<Ending> all) {
    if (!all.isEmpty()) {
      var _ =
          calls.settle(all).whenComplete((replies, failure) -> callDone(all, replies, failure));
    }
  }

  /**
   * Handles the outcome of an acquire call that carried endings.
   *
   * @param replies one per ending, null if the call failed
   */
  void acquireDone(List<Ending> all, @Nullable List<Reply> replies, @Nullable Throwable failure) {
    if (failure != null && RedisLink.cause(failure) instanceof RedisCommandExecutionException) {
      settle(all); // the refusal may concern the acquire only, so settle separately
    } else {
      callDone(all, replies, failure);
    }
  }

  private void callDone(
      List<Ending> all, @Nullable List<Reply> replies, @Nullable Throwable failure) {
    for (int n = 0; n < all.size(); n++) {
      keepIfFailed(all.get(n), failure);
      if (replies != null && all.get(n) instanceof PendingUpdate.Settle settle) {
        settleDone(settle, replies.get(n));
      }
    }
  }

  private void keepIfFailed(PendingUpdate update, @Nullable Throwable failure) {
    if (failure == null) {
      return;
    }
    if (RedisLink.cause(failure) instanceof RedisCommandExecutionException refusal
        && !RedisLink.isTransient(refusal)) {
      if (RedisTrouble.isMissingRights(String.valueOf(refusal.getMessage()))) {
        scripts.reportRefusal("to end leases", refusal);
      } else {
        log.warn("Pool {}: Redis refused {}: {}", pool, update, refusal.getMessage());
      }
    } else if (RedisLink.cause(failure) instanceof RedisGoneException) {
      keep(update); // it was not sent
    } else {
      keep(update.unansweredAt(now()));
    }
  }

  /** Keeps it until the next tick. */
  private void keep(PendingUpdate update) {
    if (!unsent.offer(update)) {
      log.warn("Pool {} drops {}: too many updates wait for Redis", pool, update);
    }
  }

  private void settleDone(PendingUpdate.Settle settle, Reply reply) {
    if (reply instanceof Reply.Unknown) {
      chargeUnknown(settle);
    } else if (reply instanceof Reply.Settled done) {
      overage.addAndGet(done.overTokens());
    }
  }

  /**
   * The use beyond the reservation, also of budgets. Its id counts once, however often it is told.
   */
  private void chargeOver(Lease lease, Usage cost) {
    Usage over =
        new Usage(
            0,
            Math.max(0, cost.inputTokens() - lease.inputTokens()),
            Math.max(0, cost.outputTokens() - lease.toldOutput()));
    PendingUpdate.Spent spent = ledger.beyond(lease, cost);
    if (over.totalTokens() + spent.tokens() + spent.nanodollars() > 0) {
      List<Used> used = List.of(new Used(over, now()));
      send(new PendingUpdate.LateCharge(lease.id(), lease.group(), used, spent, 0));
    }
  }

  /**
   * Redis does not know the lease. If the pool's state or its last writes were lost, so was the
   * charge: charge all of it. Otherwise the lease expired long ago, and only the use beyond its
   * reservation is missing; of output that was reported, what was made since then. Or an earlier
   * call has settled the lease, and got no answer.
   */
  private void chargeUnknown(PendingUpdate.Settle settle) {
    Lease lease = settle.lease();
    Usage cost = settle.cost();
    var _ =
        scripts
            .configure()
            .whenComplete(
                (done, failure) -> {
                  if (failure != null) {
                    keep(settle);
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

  private void chargeLost(PendingUpdate.Settle settle) {
    Lease lease = settle.lease();
    boolean again = ledger.counts(lease); // its budgets may know the reservation: it is settled
    PendingUpdate.LateCharge late =
        new PendingUpdate.LateCharge(
            lease.id(), lease.group(), Used.of(lease, settle.cost(), now()));
    var _ =
        (again ? chargeRunning(lease, 0) : chargeEnded(lease, late))
            .whenComplete(
                (reply, failure) -> {
                  keepIfFailed(again ? settle : late, failure);
                  // or it was charged as running meanwhile
                  if (reply instanceof Reply.Ended || (again && reply instanceof Reply.Done)) {
                    send(settle);
                  }
                });
  }

  private long windowNanos() {
    return scripts.plan().window().toNanos();
  }

  /** Whether an update was first sent so long ago, without an answer. */
  private boolean isUnanswered(long sinceNanos, long passedNanos) {
    return sinceNanos != 0 && now() - sinceNanos >= passedNanos;
  }
}
