package relay.redis;

import static relay.redis.script.RedisKeys.bytes;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.library.ScriptFile;
import relay.redis.link.RedisLink;
import relay.redis.model.EngineOptions;
import relay.redis.report.FailureSources;
import relay.redis.script.RedisKeys;
import relay.redis.script.Reply;

/**
 * A circuit breaker for a whole provider, shared by all replicas: an overloaded provider must not
 * cost every request an attempt on every key. Thread-safe.
 *
 * <p>A failure that the request itself may have caused is reported with its sources: its client and
 * its model. Without any one source, most requests must have failed, too, before the breaker opens.
 *
 * <p>The state comes from the reply to this replica's last report, or from the pool's heartbeat,
 * and is at most half a second old. A failure is reported at once; successes are counted and sent
 * with the next report. When the pause of an open breaker is over, the next request asks Redis for
 * permission to try and waits for the reply, so the first request tests the provider even at low
 * rates. Its result closes the breaker or opens it again. No other request waits for Redis here.
 */
public final class ProviderBreaker {
  private static final Logger log = LoggerFactory.getLogger(ProviderBreaker.class);
  private static final List<State> STATES = List.of(State.values());
  private static final byte[] REAL_TIME = {};
  private static final byte[] NONE = {};
  private static final Duration TICK = Duration.ofMillis(500);

  /** Within this time most trial requests have ended. */
  private static final Duration TRIAL = Duration.ofSeconds(2);

  private final RedisLink link;
  private final String pool;
  private final byte[][] keys;
  private final byte[] replica;
  private final LongSupplier nanoTime;
  private final AtomicInteger failures = new AtomicInteger();
  private final AtomicInteger successes = new AtomicInteger();
  private final FailureSources sources;
  private final HeardBeat heard;
  private final AtomicBoolean asking = new AtomicBoolean(); // one request of this replica at a time
  private volatile View view = new View(State.CLOSED, 0);

  ProviderBreaker(RedisLink link, EngineOptions options, String pool, LongSupplier nanoTime) {
    this.link = link;
    this.nanoTime = nanoTime;
    this.pool = pool;
    sources = new FailureSources(nanoTime);
    heard = new HeardBeat(nanoTime);
    keys = new byte[][] {new RedisKeys(options.prefix(), pool).breaker};
    replica = bytes(options.replica());
  }

  /** In the order of the script's numbers. */
  public enum State {
    /** Requests pass. */
    CLOSED,
    /** No request passes. */
    OPEN,
    /** One trial request tests whether the provider works again. */
    HALF_OPEN
  }

  private record View(State state, long untilNanos) {}

  /** Whether a request may be sent. The caller must report its result, or that it was not sent. */
  public sealed interface Passage {

    /** The request may be sent. */
    record Free() implements Passage {}

    /** The request may be sent, as the trial. */
    record Trial() implements Passage {}

    /**
     * The request may not be sent.
     *
     * @param retryAfter when to ask again
     */
    record Refused(Duration retryAfter) implements Passage {}
  }

  /**
   * Asks whether a request may be sent. Waits for Redis, up to its timeout, only where the answer
   * may be a {@link Passage.Trial}.
   */
  public Passage enter() {
    View now = view;
    // without Redis no trial can be granted: let the request pass
    if (now.state() == State.CLOSED || !link.isUp()) {
      return new Passage.Free();
    }
    if (left(now) > 0 || !asking.compareAndSet(false, true)) {
      return refused();
    }
    try {
      Reply.Breaker reply = call(0, 0, "ask", List.of()).join();
      received(reply);
      return reply.allowed() ? new Passage.Trial() : refused();
    } catch (CompletionException e) {
      return refused(); // no answer: the next request asks again, or passes while Redis is down
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
    // During a trial, the time left is its timeout, which is rarely reached
    boolean tries = now.state() == State.HALF_OPEN && left.compareTo(TRIAL) > 0;
    return new Passage.Refused(tries ? TRIAL : left);
  }

  private long left(View view) {
    return view.untilNanos() - nanoTime.getAsLong();
  }

  /**
   * The provider works: it answered, even if it refused the request.
   *
   * @param client the client's name
   * @param model the provider's name of the model; empty if none is known
   */
  public void succeeded(Passage passage, String client, String model) {
    if (passage instanceof Passage.Trial) {
      update(new View(State.CLOSED, 0)); // here at once, on other replicas with their next tick
      report("good");
    } else {
      successes.incrementAndGet();
      if (!sources.isEmpty()) {
        sources.succeeded(source("client", client));
        sources.succeeded(source("model", model));
      }
    }
  }

  private static String source(String kind, String name) {
    return kind + " " + name;
  }

  /** The provider failed, or this request made it fail. Parameters as of {@link #succeeded}. */
  public void failed(Passage passage, String client, String model) {
    failures.incrementAndGet(); // before its parts: a report takes them in the other order
    sources.failed(source("client", client));
    sources.failed(source("model", model));
    report(passage instanceof Passage.Trial ? "bad" : "");
  }

  /** The provider could not be reached, which no request causes. */
  public void failed(Passage passage) {
    failures.incrementAndGet();
    report(passage instanceof Passage.Trial ? "bad" : "");
  }

  /** The request was not sent, or its result is unknown. */
  public void abandoned(Passage passage) {
    if (passage instanceof Passage.Trial) {
      report("back"); // another replica may run the trial
    }
  }

  /**
   * The breaker's state.
   *
   * @param nextTry time until another request may try the provider; zero while the breaker is
   *     closed, or if one may try now
   */
  public record Standing(State state, Duration nextTry) {}

  /** The state as this replica knows it. */
  public State state() {
    return view.state();
  }

  /** The state as this replica knows it, at most half a second old while Redis answers. */
  public Standing standing() {
    View now = view;
    long left = now.state() == State.CLOSED ? 0 : left(now);
    return new Standing(now.state(), Duration.ofNanos(Math.max(0, left)));
  }

  /**
   * Reads the present state from Redis and reports nothing, for an observer. The future fails when
   * Redis cannot be asked.
   */
  public CompletableFuture<Standing> look() {
    return call(0, 0, "", List.of())
        .thenApply(
            reply -> new Standing(STATES.get(reply.state()), Duration.ofMillis(reply.waitMs())));
  }

  /** Called twice a second. Reports what was counted. */
  void tick() {
    if (link.isUp()) {
      sources.forgetOld();
      if (failures.get() > 0 || successes.get() > 0 || heard.isOld()) {
        report("");
      }
    }
  }

  /**
   * A heartbeat of the pool saw the breaker. Its state is read if it is, or was, not closed.
   *
   * @param paused whether it is not closed
   */
  void saw(boolean paused) {
    heard.now();
    if (paused || view.state() != State.CLOSED) {
      report("");
    }
  }

  private void report(String probe) {
    List<FailureSources.Part> parts = sources.take();
    int failed = failures.getAndSet(0);
    int worked = successes.getAndSet(0);
    var _ =
        call(failed, worked, probe, parts)
            .whenComplete(
                (reply, failure) -> {
                  if (reply != null) {
                    received(reply);
                  } else {
                    failures.addAndGet(failed); // sent again with the next tick
                    successes.addAndGet(worked);
                    sources.putBack(parts);
                  }
                });
  }

  private CompletableFuture<Reply.Breaker> call(
      int failed, int worked, String probe, List<FailureSources.Part> parts) {
    List<byte[]> args = new ArrayList<>();
    Collections.addAll(
        args,
        REAL_TIME,
        bytes(failed),
        bytes(worked),
        probe.isEmpty() ? NONE : bytes(probe),
        replica);
    FailureSources.append(args, parts);
    return link.call(ScriptFile.BREAKER, keys, args.toArray(byte[][]::new))
        .thenApply(Reply::ofBreaker);
  }

  private void received(Reply.Breaker reply) {
    State state = STATES.get(reply.state());
    update(new View(state, nanoTime.getAsLong() + reply.waitMs() * 1_000_000));
  }

  private void update(View next) {
    State before = view.state();
    view = next;
    if (before == State.CLOSED && next.state() != State.CLOSED) {
      log.warn("Pool {}: its provider fails too often; requests to it are paused", pool);
    } else if (before != State.CLOSED && next.state() == State.CLOSED) {
      log.info("Pool {}: its provider works again", pool);
    }
  }
}
