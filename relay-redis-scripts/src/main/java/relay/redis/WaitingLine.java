package relay.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import relay.redis.Acquisition.Exhausted;
import relay.redis.Acquisition.Reason;

/**
 * Requests of one model class that wait for capacity, in the order of their arrival. Only the first
 * asks, at the time at which it was told that it will be granted; when it is served, the next one
 * asks. So a large request is not overtaken forever by small ones, and Redis is not asked in vain.
 *
 * <p>While nobody waits, newcomers ask at once and side by side.
 */
final class WaitingLine {
  /** Others may give capacity back before the time that was told. */
  private static final long LOOK_AGAIN_NANOS = 1_000_000_000L;

  /** What ends a lease is sent a little later than it is called. */
  private static final long STIRRED_NANOS = 20_000_000L;

  /** Told to those for whom no time is known. */
  private static final long UNKNOWN_NANOS = 1_000_000_000L;

  private final WaitingRoom room;
  private final TreeMap<Long, Waiter> waiting = new TreeMap<>();
  private @Nullable Waiter asked; // the first, while Redis has its question
  private boolean stirred;
  private long opens; // when the first can be granted, as far as is known
  private Reason reason = Reason.COOLDOWN;
  private @Nullable Runnable alarmOff;
  private long alarmAt;

  /**
   * Someone who wants a key.
   *
   * @param arrival his number
   * @param until by the clock of the room; not later
   */
  record Waiter(long arrival, Demand demand, long until, CompletableFuture<Acquisition> answer) {}

  WaitingLine(WaitingRoom room) {
    this.room = room;
  }

  /** Asks for a newcomer, or has him wait behind the others. */
  void arrive(Waiter newcomer) {
    boolean othersWait;
    boolean waits = false;
    synchronized (this) {
      othersWait = !waiting.isEmpty();
      if (othersWait && opens - newcomer.until() <= 0 && room.enter()) {
        waiting.put(newcomer.arrival(), newcomer);
        waits = true;
        if (asked == null && alarmAt - newcomer.until() > 0) {
          setAlarm(newcomer.until());
        }
      }
    }
    if (waits) {
      goesWhenDone(newcomer);
    } else if (othersWait) {
      newcomer.answer().complete(notYet());
    } else {
      var _ =
          room.ask(newcomer.demand())
              .thenAccept(
                  acquisition -> {
                    if (told(newcomer, acquisition)) {
                      askForFirst();
                    }
                  });
    }
  }

  /** Whoever was answered, or has lost interest, no longer waits. */
  private void goesWhenDone(Waiter waiter) {
    var _ = waiter.answer().whenComplete((acquisition, failure) -> go(waiter));
    if (room.isClosed()) {
      dismiss(room.closing());
    }
  }

  private void go(Waiter waiter) {
    boolean wasFirst;
    synchronized (this) {
      wasFirst = !waiting.isEmpty() && waiting.firstKey() == waiter.arrival();
      if (waiting.remove(waiter.arrival()) != null) {
        room.leave();
      }
    }
    if (wasFirst) {
      askForFirst();
    }
  }

  /** Asks until one must wait. A loop, for without Redis every answer is there at once. */
  private void askForFirst() {
    while (true) {
      Waiter first;
      synchronized (this) {
        if (asked != null || waiting.isEmpty()) {
          return;
        }
        first = waiting.firstEntry().getValue();
        asked = first;
      }
      CompletableFuture<Acquisition> reply = room.ask(first.demand());
      if (!reply.isDone()) {
        var _ =
            reply.thenAccept(
                acquisition -> {
                  if (told(first, acquisition)) {
                    askForFirst();
                  }
                });
        return;
      }
      if (!told(first, reply.join())) {
        return;
      }
    }
  }

  /** What Redis said to a waiter or a newcomer. True if whoever is first then is to ask. */
  private boolean told(Waiter waiter, Acquisition acquisition) {
    List<Waiter> hopeless = List.of();
    boolean enters = false;
    boolean stays = false;
    boolean wasAsked;
    synchronized (this) {
      wasAsked = asked != null && asked.arrival() == waiter.arrival();
      if (wasAsked) {
        asked = null;
      }
      boolean isIn = waiting.containsKey(waiter.arrival());
      if (acquisition instanceof Exhausted e && mayWait(waiter, e)) {
        enters = !isIn && room.enter();
        stays = isIn || enters;
      }
      if (enters) {
        waiting.put(waiter.arrival(), waiter);
      }
      boolean isFirst = !waiting.isEmpty() && waiting.firstKey() == waiter.arrival();
      if (stays && isFirst && acquisition instanceof Exhausted e) {
        hopeless = waitsFirst(e);
      } else if (!stays && isIn) {
        waiting.remove(waiter.arrival());
        room.leave();
      }
    }
    if (enters) {
      goesWhenDone(waiter);
    } else if (!stays) {
      WaitingRoom.give(waiter.answer(), acquisition);
    }
    hopeless.forEach(other -> other.answer().complete(notYet()));
    return wasAsked && !stays;
  }

  private boolean mayWait(Waiter waiter, Exhausted e) {
    Duration left = Duration.ofNanos(waiter.until() - room.now());
    boolean inTime = e.reason() == Reason.CONCURRENCY || e.retryAfter().compareTo(left) <= 0;
    return left.isPositive() && inTime && !waiter.answer().isDone();
  }

  /** The first waits on. Gives those behind him who have to leave before his time comes. */
  private List<Waiter> waitsFirst(Exhausted e) {
    long now = room.now();
    boolean known = e.reason() != Reason.CONCURRENCY;
    opens = known ? now + e.retryAfter().toNanos() : now;
    reason = e.reason();
    long next = now + (stirred ? STIRRED_NANOS : LOOK_AGAIN_NANOS);
    next = known ? earlier(next, opens) : next;
    stirred = false;
    List<Waiter> hopeless = new ArrayList<>();
    for (Waiter other : waiting.values()) {
      if (opens - other.until() > 0) {
        hopeless.add(other);
      } else {
        next = earlier(next, other.until());
      }
    }
    setAlarm(next);
    return hopeless;
  }

  private static long earlier(long a, long b) {
    return a - b < 0 ? a : b;
  }

  private void setAlarm(long at) {
    if (alarmOff != null) {
      alarmOff.run();
    }
    alarmAt = at;
    alarmOff = room.setAlarm(Math.max(0, at - room.now()), this::ring);
  }

  private void ring() {
    List<Waiter> late;
    synchronized (this) {
      long now = room.now();
      late =
          waiting.values().stream()
              .skip(1) // the first asks once more
              .filter(waiter -> waiter.until() - now <= 0)
              .toList();
    }
    late.forEach(waiter -> waiter.answer().complete(notYet()));
    askForFirst();
  }

  /** Capacity may be back: the first asks soon. */
  synchronized void stir() {
    if (asked != null) {
      stirred = true;
    } else if (!waiting.isEmpty() && alarmAt - (room.now() + STIRRED_NANOS) > 0) {
      setAlarm(room.now() + STIRRED_NANOS);
    }
  }

  synchronized boolean isEmpty() {
    return waiting.isEmpty() && asked == null;
  }

  /** The pool is closed. */
  void dismiss(Acquisition answer) {
    List<Waiter> all;
    synchronized (this) {
      all = List.copyOf(waiting.values());
      all.forEach(waiter -> room.leave());
      waiting.clear();
    }
    all.forEach(waiter -> waiter.answer().complete(answer));
  }

  /** Nobody is served before the first. */
  private synchronized Acquisition notYet() {
    long wait = opens - room.now();
    return new Exhausted(Duration.ofNanos(wait > 0 ? wait : UNKNOWN_NANOS), reason);
  }
}
