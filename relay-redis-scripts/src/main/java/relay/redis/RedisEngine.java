package relay.redis;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connection to Redis, and the key pools that a process shares through it. One engine per
 * process is enough: the scripts limit throughput, not the connection.
 */
public final class RedisEngine implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RedisEngine.class);
  private static final long TICK_MS = 500;

  private final EngineOptions options;
  private final @Nullable SocketLoop loop;
  private final RedisLink link;
  private final LeaseIds leaseIds = new LeaseIds(ThreadLocalRandom.current());
  private final Map<String, KeyPool> pools = new ConcurrentHashMap<>();
  private final ScheduledThreadPoolExecutor ticker =
      new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().name("redis-tick").daemon().factory());
  private final SurvivedFaults faults =
      new SurvivedFaults("redis-tick", log::error, System::nanoTime); // of tick()
  private final Map<String, ProviderBreaker> breakers = new ConcurrentHashMap<>();
  private final Map<String, UsageTally> tallies = new ConcurrentHashMap<>();

  private RedisEngine(EngineOptions options, @Nullable SocketLoop loop) {
    this.options = options;
    this.loop = loop;
    ticker.setRemoveOnCancelPolicy(true); // most alarms are cancelled before they are due
    link = new RedisLink(options.url(), options.timeout(), loop, this::announce);
  }

  /**
   * Loads the classes and the script library that the first engine needs. Optional: a program that
   * must start fast calls this on another thread while it reads its configuration.
   */
  public static void prepare() {
    RedisLink.prepare();
    ScriptFile.library();
  }

  /** Connects. While Redis does not answer, the fallback applies. */
  public static RedisEngine start(EngineOptions options) {
    return start(options, null);
  }

  /**
   * Connects, with the connection served by the program's own thread.
   *
   * @param loop must run until the engine is closed; null for a thread of the engine's own
   */
  public static RedisEngine start(EngineOptions options, @Nullable SocketLoop loop) {
    RedisEngine engine = new RedisEngine(options, loop);
    engine.link.start();
    if (!options.isObserver()) {
      var _ =
          engine.ticker.scheduleWithFixedDelay(
              () -> engine.faults.run(engine::tick), TICK_MS, TICK_MS, TimeUnit.MILLISECONDS);
    }
    return engine;
  }

  /** Creates a pool of this shape and announces it to Redis. */
  public KeyPool pool(PoolPlan plan) {
    KeyPool pool = new KeyPool(link, plan, options, leaseIds, this::alarm);
    pools.put(plan.name(), pool);
    if (!options.isObserver()) {
      announce(pool);
    }
    return pool;
  }

  /** The circuit breaker of the provider whose keys are in the named pool. */
  public ProviderBreaker breaker(String pool) {
    return breakers.computeIfAbsent(
        pool, name -> new ProviderBreaker(link, options, name, System::nanoTime));
  }

  /**
   * Returns the probation of the named pool's quarantined keys. The pool must belong to this
   * engine.
   */
  public Probation probation(String pool) {
    return new Probation(
        link, options, pool, () -> Objects.requireNonNull(pools.get(pool), "no such pool"));
  }

  /**
   * Counts what clients use, without limiting it.
   *
   * @param pool the pool under whose name the counts are kept; it need not exist
   * @param clients all clients to count
   */
  public UsageTally tally(String pool, Collection<String> clients) {
    return tallies.computeIfAbsent(
        pool, name -> new UsageTally(link, options, name, List.copyOf(clients)));
  }

  /** Whether Redis answers. */
  public boolean isUp() {
    return link.isUp();
  }

  /**
   * Redis's error when it refuses the connection, for example for a wrong password. Empty while it
   * does not answer, and while it is up.
   */
  public Optional<String> refusal() {
    return link.refusal();
  }

  private Runnable alarm(long nanos, Runnable callback) {
    if (loop != null) { // the loop's timer needs no thread of its own
      return loop.executeAfter(() -> loop.begin(callback), nanos);
    }
    try {
      Future<?> set = ticker.schedule(callback, nanos, TimeUnit.NANOSECONDS);
      return () -> set.cancel(false);
    } catch (RejectedExecutionException e) {
      return () -> {}; // the engine is closed, and so is every waiting room
    }
  }

  private void announce() {
    if (!options.isObserver()) {
      pools.values().forEach(RedisEngine::announce);
    }
  }

  private static void announce(KeyPool pool) {
    var _ = pool.configure().whenComplete((done, failure) -> pool.tick());
  }

  private void tick() {
    // The executor drops a task that throws: each tick survives whatever the others throw.
    pools.values().forEach(pool -> faults.run(pool::tick));
    if (link.isUp()) {
      breakers.values().forEach(breaker -> faults.run(breaker::tick));
      tallies.values().forEach(tally -> faults.run(tally::tick));
    }
  }

  /**
   * Sends all pending lease endings, waits until Redis has processed them, and disconnects. Blocks
   * for at most a few timeouts.
   */
  @Override
  public void close() {
    pools.values().forEach(KeyPool::close);
    ticker.shutdownNow();
    for (KeyPool pool : pools.values()) {
      pool.tick();
      // Redis executes calls in order: this answer means that all earlier calls are done.
      pool.snapshot().handle((snapshot, failure) -> snapshot).join();
    }
    tallies.values().forEach(UsageTally::close);
    link.close();
  }
}
