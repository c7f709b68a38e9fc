package relay.redis.waiting;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import relay.redis.link.Alarm;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.Unavailable;
import relay.redis.model.Demand;
import relay.redis.model.KeyRequest;
import relay.redis.model.Lease;
import relay.redis.model.Share;

/**
 * Parks requests until a key can carry them: one line per model class, and per client where clients
 * have shares of the pool, served in order of arrival at this replica. No thread waits; each line
 * has one alarm.
 */
public final class WaitingRoom {
  /** If more would wait, one is refused: each takes memory and an open connection. */
  static final int MAX_WAITING = 1_000;

  private static final Duration LONGEST = Duration.ofDays(1);

  private final Function<Demand, CompletableFuture<Acquisition>> ask;
  private final Alarm alarm;
  private final LongSupplier nanoTime;
  private final WaitingPlaces places = new WaitingPlaces(MAX_WAITING);
  private final AtomicLong arrivals = new AtomicLong();
  private final String tickets = // unlike those of other replicas
      Long.toString(ThreadLocalRandom.current().nextLong(Long.MAX_VALUE), 36) + ".";
  private final Map<String, WaitingLine> lines = new ConcurrentHashMap<>();
  private volatile boolean closed;
  private volatile Acquisition closing = new Unavailable();

  /**
   * Creates an empty room.
   *
   * @param ask makes one acquire call; its future never fails
   */
  public WaitingRoom(
      Function<Demand, CompletableFuture<Acquisition>> ask, Alarm alarm, LongSupplier nanoTime) {
    this.ask = ask;
    this.alarm = alarm;
    this.nanoTime = nanoTime;
  }

  public KeyRequest acquire(Demand demand, Duration maxWait) {
    KeyRequest answer = new KeyRequest(maxWait.isPositive());
    if (!maxWait.isPositive()) {
      var _ = ask.apply(demand).thenAccept(acquisition -> deliver(answer, acquisition));
      return answer;
    }
    Duration most = maxWait.compareTo(LONGEST) < 0 ? maxWait : LONGEST;
    long until = nanoTime.getAsLong() + most.toNanos();
    long arrival = arrivals.incrementAndGet();
    WaitingLine line =
        demand.pinned().isEmpty()
            ? lines.computeIfAbsent(nameOf(demand), name -> new WaitingLine(this))
            : new WaitingLine(this); // a line of its own: only one account can serve it
    line.arrive(new WaitingLine.Parked(line, arrival, demand, until, answer));
    return answer;
  }

  /** A lease has ended: capacity may return earlier than predicted. */
  public void capacityReturned() {
    if (waiting() > 0) {
      lines.values().forEach(WaitingLine::capacityReturned);
    }
  }

  /** Number of parked requests. */
  public int waiting() {
    return places.taken();
  }

  /** Refuses all parked requests. */
  public void close() {
    close(new Unavailable());
  }

  /** Closes likewise, with this answer to the requests that wait. */
  public void close(Acquisition answer) {
    closing = answer;
    closed = true;
    lines.values().forEach(line -> line.refuseAll(answer));
  }

  /** Forgets the empty lines of keys that have gone: none will wait there again. */
  public void retain(Predicate<String> keys) {
    lines.entrySet().removeIf(e -> e.getValue().isEmpty() && !keys.test(keyOf(e.getKey())));
  }

  private static String nameOf(Demand demand) {
    Share share = demand.share();
    String whose = share == null ? "" : "/" + share.line();
    return demand.alike() + whose + "/" + demand.key();
  }

  private static String keyOf(String line) {
    return line.substring(line.lastIndexOf('/') + 1);
  }

  /** The answer to requests that wait when the room closes. */
  Acquisition closing() {
    return closing;
  }

  boolean isClosed() {
    return closed;
  }

  /**
   * Asks for a request's key.
   *
   * @param ticket names its place in the order of all replicas
   */
  CompletableFuture<Acquisition> ask(WaitingLine.Parked request, long ticket) {
    Demand demand = request.demand;
    if (demand.share() == null) {
      return ask.apply(demand);
    }
    long left = Math.max(0, request.until - now()) / 1_000_000;
    return ask.apply(demand.waiting(tickets + ticket, left));
  }

  Runnable setAlarm(long nanos, Runnable callback) {
    return alarm.in(nanos, callback);
  }

  long now() {
    return nanoTime.getAsLong();
  }

  /**
   * Takes a place. If there are too few, one request loses its own: this one, or another, which its
   * line is then to refuse.
   *
   * @return the one that has none; null if there were enough
   */
  WaitingLine.@Nullable Parked enter(WaitingLine.Parked request) {
    return closed ? request : places.enter(request);
  }

  void leave(WaitingLine.Parked request) {
    places.leave(request);
  }

  /** Delivers an answer. If the caller has cancelled, the granted lease is cancelled. */
  static void deliver(CompletableFuture<Acquisition> answer, Acquisition acquisition) {
    if (!answer.complete(acquisition) && acquisition instanceof Granted(Lease lease)) {
      lease.cancel();
    }
  }
}
