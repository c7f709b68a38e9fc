package relay.redis;

import static relay.redis.RedisKeys.bytes;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a provider as a whole works, as all replicas together have seen it: an overloaded
 * provider must not cost every key an attempt of every request. Thread-safe.
 *
 * <p>What is known is the reply to this replica's last report or to its last tick, half a second
 * old at most. A failure is reported at once, successes are counted and go along. When the pause of
 * an open breaker is over, the next request asks Redis for leave to be sent, and waits for the
 * answer: however seldom requests come, the first finds out whether the provider works. It closes
 * the breaker or opens it again. No other request waits for Redis here.
 */
public final class ProviderBreaker {
  private static final Logger log = LoggerFactory.getLogger(ProviderBreaker.class);
  private static final List<State> STATES = List.of(State.values());
  private static final byte[] REAL_TIME = {};
  private static final byte[] NONE = {};
  private static final Duration TICK = Duration.ofMillis(500);

  /** In most cases a request that tries has found out by then. */
  private static final Duration TRIAL = Duration.ofSeconds(2);

  private final RedisLink link;
  private final String pool;
  private final byte[][] keys;
  private final byte[] replica;
  private final LongSupplier nanoTime;
  private final AtomicInteger failures = new AtomicInteger();
  private final AtomicInteger successes = new AtomicInteger();
  private final AtomicBoolean asking = new AtomicBoolean(); // one request of this replica at a time
  private volatile View view = new View(State.CLOSED, 0);

  ProviderBreaker(RedisLink link, EngineOptions options, String pool, LongSupplier nanoTime) {
    this.link = link;
    this.nanoTime = nanoTime;
    this.pool = pool;
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

    /** It may, as the one that tries whether the provider works again. */
    record Trial() implements Passage {}

    /**
     * It may not.
     *
     * @param retryAfter when to ask again
     */
    record Refused(Duration retryAfter) implements Passage {}
  }

  /**
   * Asks for passage. Waits for Redis, up to its timeout, only where the answer may be a {@link
   * Passage.Trial}.
   */
  public Passage enter() {
    View now = view;
    // without Redis nobody could be given leave, so nobody needs it
    if (now.state() == State.CLOSED || !link.isUp()) {
      return new Passage.Free();
    }
    if (left(now) > 0 || !asking.compareAndSet(false, true)) {
      return refused();
    }
    try {
      Reply.Breaker reply = call(0, 0, "ask").join();
      saw(reply);
      return reply.allowed() ? new Passage.Trial() : refused();
    } catch (CompletionException e) {
      return refused(); // no answer: the next request asks again, or needs no leave
    } finally {
      asking.set(false);
    }
  }

  private Passage refused() {
    View now = view;
    Duration left = Duration.ofNanos(left(now));
    if (left.compareTo(TICK) < 0) {
      return new Passage.Refused(TICK);
    }
    // While one tries, what is left is the time after which it counts as lost, which is rare
    boolean tries = now.state() == State.HALF_OPEN && left.compareTo(TRIAL) > 0;
    return new Passage.Refused(tries ? TRIAL : left);
  }

  private long left(View seen) {
    return seen.untilNanos() - nanoTime.getAsLong();
  }

  /** The provider answered as one that works, even if it refused the request. */
  public void succeeded(Passage passage) {
    if (passage instanceof Passage.Trial) {
      see(new View(State.CLOSED, 0)); // here at once, elsewhere with the next tick
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
  public void abandoned(Passage passage) {
    if (passage instanceof Passage.Trial) {
      report("back"); // another replica may have requests
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
    long left = now.state() == State.CLOSED ? 0 : left(now);
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

  /** Twice a second while the link is up. */
  void tick() {
    report("");
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
    see(new View(state, nanoTime.getAsLong() + reply.waitMs() * 1_000_000));
  }

  private void see(View next) {
    State before = view.state();
    view = next;
    if (before == State.CLOSED && next.state() != State.CLOSED) {
      log.warn("Pool {}: its provider fails too often and is left alone for a while", pool);
    } else if (before != State.CLOSED && next.state() == State.CLOSED) {
      log.info("Pool {}: its provider works again", pool);
    }
  }
}
