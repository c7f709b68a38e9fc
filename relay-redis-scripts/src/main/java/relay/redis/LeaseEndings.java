package relay.redis;

import io.lettuce.core.RedisCommandExecutionException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.Unsent.Ending;

/**
 * What Redis must be told of leases that have ended. It is sent and not waited for: in the call of
 * the next question for a key, for which it counts, so that it costs little beyond its own
 * accounting; or in a call of its own when none has come for {@value #HELD_MS} ms. What could not
 * be sent is kept, up to {@value #UNSETTLED} leases, and sent again: it counts once.
 */
final class LeaseEndings {
  private static final Logger log = LoggerFactory.getLogger(LeaseEndings.class);
  private static final int UNSETTLED = 10_000;
  private static final int TOGETHER = 64;
  private static final int HELD_MS = 2;

  private final PoolScripts scripts;
  private final String pool;
  private final WaitingRoom.Alarm alarm;
  private final Queue<Ending> endings = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean alarmed = new AtomicBoolean();
  private volatile boolean busy; // since the last alarm
  private volatile boolean asked; // likewise: a question came, and took along what there was
  private final Queue<Unsent> unsettled = new LinkedBlockingQueue<>(UNSETTLED);
  private final AtomicLong overage = new AtomicLong();
  private volatile boolean closing;

  /**
   * @param alarm calls back after so many nanoseconds, while the engine runs
   */
  LeaseEndings(PoolScripts scripts, String pool, WaitingRoom.Alarm alarm) {
    this.scripts = scripts;
    this.pool = pool;
    this.alarm = alarm;
  }

  /** Whether there is nothing that Redis was not told. */
  boolean isEmpty() {
    return endings.isEmpty() && unsettled.isEmpty();
  }

  /** Tokens that were charged beyond their reservations. */
  long overageTokens() {
    return overage.get();
  }

  void send(Unsent unsent) {
    switch (unsent) {
      case Unsent.OutageUsage o -> {
        var _ =
            scripts
                .charge(o.id(), o.group(), o.usage())
                .whenComplete((reply, failure) -> sent(o, failure));
      }
      case Ending ending -> {
        endings.add(ending);
        if (closing) {
          flush(); // there are no alarms any more
        } else {
          if (!busy) {
            busy = true;
          }
          setAlarm();
        }
      }
    }
  }

  /**
   * Endings that a question for a key takes along: {@link #tookAlong} must be told of the outcome.
   */
  List<Ending> take() {
    if (!asked) {
      asked = true;
    }
    return Coalescer.take(endings, TOGETHER);
  }

  private void setAlarm() {
    if (!alarmed.get() && alarmed.compareAndSet(false, true)) {
      var _ = alarm.in(TimeUnit.MILLISECONDS.toNanos(HELD_MS), this::sendHeld);
    }
  }

  /**
   * While there is something to do each time, the alarm sets itself: to be set wakes a thread.
   * While questions come, what is held waits for the next one.
   */
  private void sendHeld() {
    if (!asked) {
      flush();
    }
    asked = false;
    alarmed.set(false);
    if (busy || !endings.isEmpty()) {
      busy = false;
      setAlarm();
    }
  }

  /** From now on nothing is held. */
  void close() {
    closing = true;
    flush();
  }

  /** Sends what is held now. */
  void flush() {
    while (!endings.isEmpty()) {
      settle(Coalescer.take(endings, TOGETHER));
    }
  }

  /** What could not be sent before. */
  void sendAgain() {
    for (int n = unsettled.size(); n > 0; n--) {
      Unsent unsent = unsettled.poll();
      if (unsent != null) {
        send(unsent);
      }
    }
  }

  private void settle(List<Ending> all) {
    if (!all.isEmpty()) {
      var _ = scripts.settle(all).whenComplete((replies, failure) -> ended(all, replies, failure));
    }
  }

  /**
   * What became of endings that were taken along.
   *
   * @param replies of each, null if the call failed
   */
  void tookAlong(List<Ending> all, @Nullable List<Reply> replies, @Nullable Throwable failure) {
    if (failure != null && RedisLink.cause(failure) instanceof RedisCommandExecutionException) {
      settle(all); // that it was refused says nothing of them
    } else {
      ended(all, replies, failure);
    }
  }

  private void ended(List<Ending> all, @Nullable List<Reply> replies, @Nullable Throwable failure) {
    for (int n = 0; n < all.size(); n++) {
      sent(all.get(n), failure);
      if (replies != null && all.get(n) instanceof Unsent.Settle settle) {
        settled(settle, replies.get(n));
      }
    }
  }

  private void sent(Unsent unsent, @Nullable Throwable failure) {
    if (failure == null) {
      return;
    }
    if (RedisLink.cause(failure) instanceof RedisCommandExecutionException refusal
        && !RedisLink.isPassing(refusal)) {
      if (RefusedCalls.isOfRights(String.valueOf(refusal.getMessage()))) {
        scripts.refused("to end leases", refusal);
      } else {
        log.warn("Pool {}: {} was refused: {}", pool, unsent, refusal.getMessage());
      }
    } else {
      keep(unsent);
    }
  }

  /** Until the next tick. */
  private void keep(Unsent unsent) {
    if (!unsettled.offer(unsent)) {
      log.warn("Pool {} forgets {}: too much is unsettled", pool, unsent);
    }
  }

  private void settled(Unsent.Settle settle, Reply reply) {
    if (reply instanceof Reply.Unknown) {
      chargeLost(settle);
    } else if (reply instanceof Reply.Settled done) {
      overage.addAndGet(done.overTokens());
    }
  }

  /**
   * Redis does not know the lease. If the pool's state was lost, so was the charge; else the lease
   * has been over for long, and only what exceeds its reservation was never charged.
   */
  private void chargeLost(Unsent.Settle settle) {
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
                  boolean lost = lease.epoch() != scripts.epoch();
                  Usage usage =
                      lost
                          ? cost
                          : new Usage(
                              0,
                              Math.max(0, cost.inputTokens() - lease.inputTokens()),
                              Math.max(0, cost.outputTokens() - lease.outputTokens()));
                  send(new Unsent.OutageUsage(lease.id(), lease.group(), usage));
                });
  }
}
