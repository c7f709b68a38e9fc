package relay.redis.waiting;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.Demand;
import relay.redis.model.KeyRequest;

/**
 * The parked requests of one model class, in order of arrival. Only the first one calls Redis, at
 * the time at which it expects a grant. After its grant the next one calls. So small requests never
 * overtake a large one for ever, and Redis gets no pointless calls.
 *
 * <p>While no request is parked, new requests call Redis at once and concurrently. Where clients
 * have shares they always do: so each has its place in the order of all replicas. A request that
 * goes without a grant leaves its place, named by its ticket, to those behind it.
 */
final class WaitingLine {
  /** Recheck interval: other replicas may return capacity before the predicted time. */
  private static final long RECHECK_NANOS = 1_000_000_000L;

  /** The same where a place on a key at its maximum is kept for the first of the order. */
  private static final long RECHECK_PLACE_NANOS = 200_000_000L;

  /** Recheck delay after a lease ended here: its ending reaches Redis a little later. */
  private static final long RECHECK_SOON_NANOS = 20_000_000L;

  /** The retry time in an answer when none is known. */
  private static final long UNKNOWN_NANOS = 1_000_000_000L;

  private final WaitingRoom room;
  private final TreeMap<Long, Parked> waiting = new TreeMap<>();
  private final TreeSet<Long> left = new TreeSet<>(); // tickets of requests that had no grant
  private @Nullable Parked asking; // the first request, while its acquire is in flight
  private boolean recheckSoon;
  private long opensAt; // when the first can be granted, as far as known
  private Reason reason = Reason.COOLDOWN;
  private @Nullable Runnable cancelAlarm;
  private long alarmAt;

  /** A request for a key. */
  static final class Parked {
    final WaitingLine line;
    final long arrival;
    final Demand demand;
    final long until;
    final KeyRequest answer;
    private long ticket; // guarded by its line, as what follows
    private long opensAt; // its latest retry time
    private Reason reason = Reason.COOLDOWN;

    /**
     * A request with a ticket of its own.
     *
     * @param arrival its sequence number
     * @param until latest time of an answer, on the room's clock
     */
    Parked(WaitingLine line, long arrival, Demand demand, long until, KeyRequest answer) {
      this.line = line;
      this.arrival = arrival;
      this.demand = demand;
      this.until = until;
      this.answer = answer;
      ticket = arrival;
    }
  }

  WaitingLine(WaitingRoom room) {
    this.room = room;
  }

  /** Calls Redis for a new request, or queues it behind the others. */
  void arrive(Parked newcomer) {
    boolean hasQueue;
    boolean waits = false;
    Parked without = null;
    long ticket;
    synchronized (this) {
      Long unused = left.pollLast();
      newcomer.ticket = unused == null ? newcomer.ticket : unused;
      ticket = newcomer.ticket;
      hasQueue = !waiting.isEmpty() && newcomer.demand.share() == null;
      if (hasQueue && opensAt - newcomer.until <= 0) {
        without = room.enter(newcomer);
        waits = without != newcomer;
      }
      if (waits) {
        newcomer.opensAt = opensAt;
        newcomer.reason = reason;
        waiting.put(newcomer.arrival, newcomer);
        if (asking == null && alarmAt - newcomer.until > 0) {
          setAlarm(newcomer.until);
        }
      }
    }
    if (waits) {
      newcomer.answer.parked(exhausted());
      leaveWhenAnswered(newcomer);
      refuse(without);
    } else if (hasQueue) {
      newcomer.answer.complete(exhausted());
    } else {
      var _ =
          room.ask(newcomer, ticket)
              .thenAccept(
                  acquisition -> {
                    if (answered(newcomer, acquisition)) {
                      askForFirst();
                    }
                  });
    }
  }

  /** Removes a request when it is answered or cancelled. */
  private void leaveWhenAnswered(Parked request) {
    var _ = request.answer.whenComplete((acquisition, failure) -> leave(request));
    if (room.isClosed()) {
      refuseAll(room.closing());
    }
  }

  private void leave(Parked request) {
    boolean wasFirst;
    synchronized (this) {
      wasFirst = !waiting.isEmpty() && waiting.firstKey() == request.arrival;
      if (waiting.remove(request.arrival) != null) {
        room.leave(request);
        left.add(request.ticket);
      }
    }
    if (wasFirst) {
      askForFirst();
    }
  }

  /**
   * Calls Redis until a request must wait. A loop, not a recursion: without Redis every answer is
   * immediate.
   */
  private void askForFirst() {
    while (true) {
      Parked first;
      long ticket;
      synchronized (this) {
        if (asking != null || waiting.isEmpty()) {
          return;
        }
        first = waiting.firstEntry().getValue();
        asking = first;
        left.add(first.ticket);
        first.ticket = left.removeFirst();
        ticket = first.ticket;
      }
      CompletableFuture<Acquisition> reply = room.ask(first, ticket);
      if (!reply.isDone()) {
        var _ =
            reply.thenAccept(
                acquisition -> {
                  if (answered(first, acquisition)) {
                    askForFirst();
                  }
                });
        return;
      }
      if (!answered(first, reply.join())) {
        return;
      }
    }
  }

  /** Handles Redis's answer. Returns true if the request that is now first must call Redis. */
  private boolean answered(Parked request, Acquisition acquisition) {
    List<Parked> tooLate = List.of();
    boolean joins = false;
    boolean stays = false;
    boolean wasAsking;
    Parked without = null;
    synchronized (this) {
      wasAsking = asking != null && asking.arrival == request.arrival;
      if (wasAsking) {
        asking = null;
      }
      boolean isQueued = waiting.containsKey(request.arrival);
      if (acquisition instanceof Exhausted e && mayWait(request, e)) {
        if (request.answer.isDone()) {
          left.add(request.ticket);
        } else {
          without = isQueued ? null : room.enter(request);
          joins = !isQueued && without != request;
          stays = isQueued || joins;
          if (!stays) { // the room is full: its place in Redis's order is kept for the next one
            left.add(request.ticket);
          } else {
            request.opensAt = room.now() + e.retryAfter().toNanos();
            request.reason = e.reason();
          }
        }
      }
      if (stays) {
        waiting.put(request.arrival, request);
      }
      boolean isFirst = !waiting.isEmpty() && waiting.firstKey() == request.arrival;
      if (stays && isFirst && acquisition instanceof Exhausted e) {
        tooLate = scheduleFirst(e);
      } else if (joins && asking == null && alarmAt - request.until > 0) {
        setAlarm(request.until);
      } else if (!stays && isQueued) {
        waiting.remove(request.arrival);
        room.leave(request);
      }
    }
    if (joins && acquisition instanceof Exhausted e) {
      request.answer.parked(e);
      leaveWhenAnswered(request);
      refuse(without);
    } else if (!stays) {
      WaitingRoom.deliver(request.answer, acquisition);
    }
    tooLate.forEach(other -> other.answer.complete(exhausted()));
    return wasAsking && !stays;
  }

  /** Refuses a request, of whatever line, that has lost its place; its ticket is for the next. */
  private static void refuse(@Nullable Parked request) {
    if (request != null && request.line.removes(request)) {
      request.answer.complete(request.line.refusalOf(request));
    }
  }

  private synchronized boolean removes(Parked request) {
    boolean isQueued = waiting.remove(request.arrival) != null;
    if (isQueued) {
      left.add(request.ticket);
    }
    return isQueued;
  }

  private boolean mayWait(Parked request, Exhausted e) {
    Duration time = Duration.ofNanos(request.until - room.now());
    boolean inTime = e.reason() == Reason.CONCURRENCY || e.retryAfter().compareTo(time) <= 0;
    return time.isPositive() && inTime;
  }

  /**
   * Schedules the next call of the first request. Returns the requests whose deadline comes sooner
   * than the first one's grant.
   */
  private List<Parked> scheduleFirst(Exhausted e) {
    long now = room.now();
    boolean known = e.reason() != Reason.CONCURRENCY;
    opensAt = known ? now + e.retryAfter().toNanos() : now;
    reason = e.reason();
    boolean inOrder = waiting.firstEntry().getValue().demand.share() != null;
    long recheck = !known && inOrder ? RECHECK_PLACE_NANOS : RECHECK_NANOS;
    long next = now + (recheckSoon ? RECHECK_SOON_NANOS : recheck);
    next = known ? earlier(next, opensAt) : next;
    recheckSoon = false;
    List<Parked> tooLate = new ArrayList<>();
    for (Parked other : waiting.values()) {
      if (opensAt - other.until > 0) {
        tooLate.add(other);
      } else {
        next = earlier(next, other.until);
      }
    }
    setAlarm(next);
    return tooLate;
  }

  private static long earlier(long a, long b) {
    return a - b < 0 ? a : b;
  }

  private void setAlarm(long at) {
    if (cancelAlarm != null) {
      cancelAlarm.run();
    }
    alarmAt = at;
    cancelAlarm = room.setAlarm(Math.max(0, at - room.now()), this::onAlarm);
  }

  private void onAlarm() {
    List<Parked> expired;
    synchronized (this) {
      long now = room.now();
      expired =
          waiting.values().stream()
              .skip(1) // the first calls Redis once more
              .filter(request -> request.until - now <= 0)
              .toList();
    }
    expired.forEach(request -> request.answer.complete(exhausted()));
    askForFirst();
  }

  /** Capacity may have returned: the first request calls Redis soon. */
  synchronized void capacityReturned() {
    if (asking != null) {
      recheckSoon = true;
    } else if (!waiting.isEmpty() && alarmAt - (room.now() + RECHECK_SOON_NANOS) > 0) {
      setAlarm(room.now() + RECHECK_SOON_NANOS);
    }
  }

  synchronized boolean isEmpty() {
    return waiting.isEmpty() && asking == null;
  }

  /** Refuses all requests: the pool is closed. */
  void refuseAll(Acquisition answer) {
    List<Parked> all;
    synchronized (this) {
      all = List.copyOf(waiting.values());
      all.forEach(room::leave);
      waiting.clear();
    }
    all.forEach(request -> request.answer.complete(answer));
  }

  /** A refusal until the first request's expected grant, since none is served before it. */
  private synchronized Exhausted exhausted() {
    return until(opensAt, reason);
  }

  /** A refusal until the retry time of a parked request. */
  private synchronized Exhausted refusalOf(Parked request) {
    return until(request.opensAt, request.reason);
  }

  private Exhausted until(long at, Reason why) {
    long wait = at - room.now();
    return new Exhausted(Duration.ofNanos(wait > 0 ? wait : UNKNOWN_NANOS), why);
  }
}
