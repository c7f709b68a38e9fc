package relay.redis.lease;

import io.lettuce.core.RedisCommandExecutionException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import relay.redis.lease.PendingUpdate.Ending;
import relay.redis.link.Alarm;
import relay.redis.link.RedisLink;
import relay.redis.model.Usage;
import relay.redis.script.PoolScripts;
import relay.redis.script.Reply;

/**
 * Sends the ends of leases to Redis without waiting for replies. An ending travels in the next
 * acquire call, which makes it cheap and counts it before that request. If no acquire comes for
 * {@value #HELD_MS} ms, endings are sent in a call of their own. The first one after such a pause
 * is sent at once if a caller waits for its answer. Endings that could not be sent are kept, up to
 * {@value UnsentUpdates#MOST}, and sent again; Redis counts each once.
 */
public final class LeaseEndings {
  private static final int BATCH = 64;
  private static final int HELD_MS = 2;
  private static final long HELD_NANOS = TimeUnit.MILLISECONDS.toNanos(HELD_MS);

  private final LeaseCalls calls;
  private final Alarm alarm;
  private final UnsentUpdates unsent;
  private final Recovery recovery;
  private final Queue<Ending> endings = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean alarmSet = new AtomicBoolean();
  private volatile boolean endedSinceAlarm; // a lease has ended since the last alarm
  private volatile long takenNanos; // when an acquire has taken endings, or one was sent at once
  private final AtomicLong overage = new AtomicLong();
  private final LongSupplier nanoTime;
  private volatile boolean closing;

  /**
   * @param alarm runs callbacks after a delay, while the engine runs
   */
  public LeaseEndings(
      PoolScripts scripts,
      BudgetLedger ledger,
      OutageDebt debt,
      Alarm alarm,
      LongSupplier nanoTime) {
    this.alarm = alarm;
    this.nanoTime = nanoTime;
    takenNanos = nanoTime.getAsLong() - HELD_NANOS;
    calls = new LeaseCalls(scripts);
    unsent = new UnsentUpdates(scripts, nanoTime);
    recovery = new Recovery(scripts, ledger, debt, unsent, this::send, nanoTime);
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
      case PendingUpdate.LateCharge late -> recovery.charge(late);
      case PendingUpdate.Recharge again -> recovery.recharge(again);
      case Ending ending -> {
        endings.add(ending);
        if (closing) {
          flush(); // alarms no longer fire
        } else if (ending instanceof PendingUpdate.ByRef && isQuiet()) {
          takenNanos = nanoTime.getAsLong(); // a second one waits for others, as for an acquire
          flush();
        } else {
          if (!endedSinceAlarm) {
            endedSinceAlarm = true;
          }
          setAlarm();
        }
      }
    }
  }

  /** Charges what Redis has not counted, or has lost. */
  public Recovery recovery() {
    return recovery;
  }

  /** A lease that Redis has granted. */
  public void began(TrackedLease lease) {
    recovery.began(lease);
  }

  /** Notes that a lease has ended. */
  public void ended(TrackedLease lease, Usage cost, long nanodollars) {
    lease.uses(nanodollars);
    recovery.ended(lease, cost);
    boolean never = cost.equals(Usage.NONE);
    send(never ? PendingUpdate.Cancel.of(lease) : new PendingUpdate.Settle(lease, cost));
  }

  /** Retries what could not be sent before. */
  public void sendAgain() {
    unsent.take(this::send);
  }

  /** Takes endings for an acquire call. Report the outcome to {@link #acquireDone}. */
  List<Ending> takeForAcquire() {
    takenNanos = nanoTime.getAsLong();
    return Coalescer.takeUpTo(endings, BATCH);
  }

  private void setAlarm() {
    if (!alarmSet.get() && alarmSet.compareAndSet(false, true)) {
      var _ = alarm.in(HELD_NANOS, this::onAlarm);
    }
  }

  /** Whether there is no call to wait for. */
  private boolean isQuiet() {
    return nanoTime.getAsLong() - takenNanos >= HELD_NANOS;
  }

  /**
   * Rearms the alarm while leases keep ending, because setting one from another thread wakes the
   * timer's thread. While acquire calls come, endings wait for the next one.
   */
  private void onAlarm() {
    if (isQuiet()) {
      flush();
    }
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

  private void settle(List<Ending> all) {
    if (!all.isEmpty()) {
      var _ = calls.settle(all).whenComplete((replies, failure) -> callDone(all, replies, failure));
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
      Reply reply = replies == null ? null : replies.get(n);
      if (all.get(n) instanceof PendingUpdate.ByRef asked) {
        asked.answer(reply, failure);
        if (reply instanceof Reply.Settled done) {
          overage.addAndGet(done.overTokens());
        }
        continue;
      }
      unsent.keepIfFailed(all.get(n), failure);
      if (reply != null && all.get(n) instanceof PendingUpdate.Settle settle) {
        settleDone(settle, reply);
      }
    }
  }

  private void settleDone(PendingUpdate.Settle settle, Reply reply) {
    if (reply instanceof Reply.Unknown) {
      recovery.unknown(settle);
    } else if (reply instanceof Reply.Settled done) {
      overage.addAndGet(done.overTokens());
    }
  }
}
