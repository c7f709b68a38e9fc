package relay.redis;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import relay.redis.Acquisition.Granted;
import relay.redis.Acquisition.Unavailable;

/**
 * Holds requests until a key can carry them: those of a model class in one line, served in the
 * order of their arrival at this replica. No thread waits; one alarm a line is enough.
 */
final class WaitingRoom {
  /** More are refused at once: who waits takes memory, and holds a connection open. */
  static final int MOST = 1_000;

  private static final Duration LONGEST = Duration.ofDays(1);

  private final Function<Demand, CompletableFuture<Acquisition>> ask;
  private final Alarm alarm;
  private final LongSupplier nanoTime;
  private final AtomicInteger waiting = new AtomicInteger();
  private final AtomicLong arrivals = new AtomicLong();
  private final Map<String, WaitingLine> lines = new ConcurrentHashMap<>();
  private volatile boolean closed;
  private volatile Acquisition closing = new Unavailable();

  /** Calls back later. */
  @FunctionalInterface
  interface Alarm {
    /** Gives what turns it off. */
    Runnable in(long nanos, Runnable callback);
  }

  /**
   * A room without anybody in it.
   *
   * @param ask asks for a key, once; its future never fails
   */
  WaitingRoom(
      Function<Demand, CompletableFuture<Acquisition>> ask, Alarm alarm, LongSupplier nanoTime) {
    this.ask = ask;
    this.alarm = alarm;
    this.nanoTime = nanoTime;
  }

  CompletableFuture<Acquisition> acquire(Demand demand, Duration maxWait) {
    CompletableFuture<Acquisition> answer = new CompletableFuture<>();
    if (maxWait.isZero() || maxWait.isNegative()) {
      var _ = ask(demand).thenAccept(acquisition -> give(answer, acquisition));
      return answer;
    }
    Duration most = maxWait.compareTo(LONGEST) < 0 ? maxWait : LONGEST;
    long until = nanoTime.getAsLong() + most.toNanos();
    lines
        .computeIfAbsent(demand.modelClass() + "/" + demand.key(), line -> new WaitingLine(this))
        .arrive(new WaitingLine.Waiter(arrivals.incrementAndGet(), demand, until, answer));
    return answer;
  }

  /** A lease has ended: capacity may be back sooner than was thought. */
  void stir() {
    if (waiting.get() > 0) {
      lines.values().forEach(WaitingLine::stir);
    }
  }

  /** How many wait. */
  int waiting() {
    return waiting.get();
  }

  /** Nobody waits any longer. */
  void close() {
    close(new Unavailable());
  }

  /** Likewise, with this answer for those who wait. */
  void close(Acquisition answer) {
    closing = answer;
    closed = true;
    lines.values().forEach(line -> line.dismiss(answer));
  }

  /** Forgets the empty lines of keys that have gone: none will wait there again. */
  void retain(Predicate<String> keys) {
    lines.entrySet().removeIf(e -> e.getValue().isEmpty() && !keys.test(keyOf(e.getKey())));
  }

  private static String keyOf(String line) {
    return line.substring(line.lastIndexOf('/') + 1);
  }

  /** What those are told who wait when it closes. */
  Acquisition closing() {
    return closing;
  }

  boolean isClosed() {
    return closed;
  }

  CompletableFuture<Acquisition> ask(Demand demand) {
    return ask.apply(demand);
  }

  Runnable setAlarm(long nanos, Runnable callback) {
    return alarm.in(nanos, callback);
  }

  long now() {
    return nanoTime.getAsLong();
  }

  /** Takes a place, if there is one. */
  boolean enter() {
    if (closed) {
      return false;
    }
    if (waiting.incrementAndGet() > MOST) {
      waiting.decrementAndGet();
      return false;
    }
    return true;
  }

  void leave() {
    waiting.decrementAndGet();
  }

  /** Nobody may want the answer any longer: what was granted goes back. */
  static void give(CompletableFuture<Acquisition> answer, Acquisition acquisition) {
    if (!answer.complete(acquisition) && acquisition instanceof Granted(Lease lease)) {
      lease.cancel();
    }
  }
}
