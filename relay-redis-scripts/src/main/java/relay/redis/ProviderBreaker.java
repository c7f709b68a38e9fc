package relay.redis;

import static relay.redis.RedisKeys.bytes;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Whether a provider as a whole works, as all replicas together have seen it: an overloaded
 * provider must not cost every key an attempt of every request. Thread-safe; nothing blocks.
 *
 * <p>A request never waits for Redis here: what is known is the reply to this replica's last report
 * or to its last tick, half a second old at most. A failure is reported at once, successes are
 * counted and go along. While the breaker is open a replica that wants to send asks for leave with
 * its ticks; the one request that is given leave closes the breaker or opens it again.
 */
public final class ProviderBreaker {
  private static final List<State> STATES = List.of(State.values());
  private static final byte[] REAL_TIME = {};
  private static final byte[] NONE = {};
  private static final Duration TICK = Duration.ofMillis(500);

  private final RedisLink link;
  private final byte[][] keys;
  private final byte[] replica;
  private final LongSupplier nanoTime;
  private final AtomicInteger failures = new AtomicInteger();
  private final AtomicInteger successes = new AtomicInteger();
  private final AtomicReference<Passage.@Nullable Trial> leave = new AtomicReference<>();
  private volatile View view = new View(State.CLOSED, 0);
  private volatile boolean wanted; // since the last tick
  private Passage.@Nullable Trial idle; // leave that the last tick found unused; of the ticks alone

  ProviderBreaker(RedisLink link, EngineOptions options, String pool, LongSupplier nanoTime) {
    this.link = link;
    this.nanoTime = nanoTime;
    keys = new byte[][] {new RedisKeys(options.prefix(), pool).breaker};
    replica = bytes(options.replica());
  }

  /** In the order in which the script numbers them. */
  public enum State {
    /** Requests pass. */
    CLOSED,
    /** None passes. */
    OPEN,
    /** One request tries whether the provider works again. */
    HALF_OPEN
  }

  private record View(State state, long untilNanos) {}

  /** Whether a request may be sent. How it ended is to be reported, or that it was not sent. */
  public sealed interface Passage {

    /** It may. */
    record Free() implements Passage {}

    /**
     * It may, as the one that tries whether the provider works again.
     *
     * @param untilNanos when another may try, for this one may never end
     */
    record Trial(long untilNanos) implements Passage {}

    /**
     * It may not.
     *
     * @param retryAfter when to ask again
     */
    record Barred(Duration retryAfter) implements Passage {}
  }

  /** Asks for passage; costs no call. */
  public Passage enter() {
    View now = view;
    // without Redis nobody could be given leave, so nobody needs it
    if (now.state() == State.CLOSED || !link.isUp()) {
      return new Passage.Free();
    }
    Passage.Trial trial = leave.getAndSet(null);
    if (trial != null && trial.untilNanos() - nanoTime.getAsLong() > 0) {
      return trial;
    }
    wanted = true;
    Duration left = Duration.ofNanos(now.untilNanos() - nanoTime.getAsLong());
    return new Passage.Barred(left.compareTo(TICK) < 0 ? TICK : left);
  }

  /** The provider answered as one that works, even if it refused the request. */
  public void worked(Passage passage) {
    if (passage instanceof Passage.Trial) {
      view = new View(State.CLOSED, 0); // here at once, elsewhere with the next tick
      report("good");
    } else {
      successes.incrementAndGet();
    }
  }

  /** The provider failed or could not be reached. */
  public void failed(Passage passage) {
    failures.incrementAndGet();
    report(passage instanceof Passage.Trial ? "bad" : "");
  }

  /** Nothing was sent, or nobody waited for what came of it. */
  public void unused(Passage passage) {
    if (passage instanceof Passage.Trial trial) {
      leave.set(trial);
    }
  }

  /**
   * How a breaker stands.
   *
   * @param nextTry until another request may try whether the provider works; zero while it is
   *     closed, or if one may now
   */
  public record Standing(State state, Duration nextTry) {}

  /** As this replica knows it. */
  public State state() {
    return view.state();
  }

  /** As this replica knows it: half a second old at most, while Redis answers. */
  public Standing standing() {
    View now = view;
    long left = now.state() == State.CLOSED ? 0 : now.untilNanos() - nanoTime.getAsLong();
    return new Standing(now.state(), Duration.ofNanos(Math.max(0, left)));
  }

  /**
   * As Redis knows it now: for an onlooker, who is told nothing. The future fails when Redis could
   * not be asked.
   */
  public CompletableFuture<Standing> look() {
    return call(0, 0, "")
        .thenApply(
            reply -> new Standing(STATES.get(reply.state()), Duration.ofMillis(reply.waitMs())));
  }

  /**
   * Twice a second while the link is up. Leave that nobody used from one tick to the next goes
   * back: another replica may have requests.
   */
  void tick() {
    Passage.Trial held = leave.get();
    if (held != null && held.equals(idle) && leave.compareAndSet(held, null)) {
      idle = null;
      report("back");
      return;
    }
    idle = held;
    View now = view;
    boolean ask =
        wanted && now.state() != State.CLOSED && now.untilNanos() - nanoTime.getAsLong() <= 0;
    wanted = false;
    report(ask ? "ask" : "");
  }

  private void report(String probe) {
    int failed = failures.getAndSet(0);
    int worked = successes.getAndSet(0);
    var _ =
        call(failed, worked, probe)
            .whenComplete(
                (reply, failure) -> {
                  if (reply != null) {
                    saw(reply);
                  } else {
                    failures.addAndGet(failed); // to be told with the next tick
                    successes.addAndGet(worked);
                  }
                });
  }

  private CompletableFuture<Reply.Breaker> call(int failed, int worked, String probe) {
    byte[][] args = {
      REAL_TIME, bytes(failed), bytes(worked), probe.isEmpty() ? NONE : bytes(probe), replica
    };
    return link.call(ScriptFile.BREAKER, keys, args).thenApply(Reply::ofBreaker);
  }

  private void saw(Reply.Breaker reply) {
    State state = STATES.get(reply.state());
    long until = nanoTime.getAsLong() + reply.waitMs() * 1_000_000;
    if (reply.allowed()) {
      leave.set(new Passage.Trial(until));
    }
    view = new View(state, until);
  }
}
