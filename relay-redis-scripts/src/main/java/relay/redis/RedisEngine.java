package relay.redis;

import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.lease.LeaseIds;
import relay.redis.library.ScriptFile;
import relay.redis.link.Connections;
import relay.redis.link.FailureReason;
import relay.redis.link.Masters;
import relay.redis.link.RedisGoneException;
import relay.redis.link.SurvivedFaults;
import relay.redis.model.EngineOptions;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.RedisTrouble;
import relay.redis.model.RedisUse;
import relay.redis.model.SocketLoop;
import relay.redis.script.ConfigMark;
import relay.redis.script.Introductions;
import relay.redis.script.StoredPools;
import relay.redis.script.SurveyReply;

/**
 * The connection to Redis, and the key pools that a process shares through it. One engine per
 * process is enough: the scripts limit throughput, not the connection.
 */
public final class RedisEngine implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RedisEngine.class);
  private static final long TICK_MS = 500;

  private final EngineOptions options;
  private final @Nullable SocketLoop loop;
  private final Masters masters;
  private final LeaseIds leaseIds = new LeaseIds(ThreadLocalRandom.current());
  private final Map<String, KeyPool> pools = new ConcurrentHashMap<>();
  private final ScheduledThreadPoolExecutor ticker =
      new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().name("redis-tick").daemon().factory());
  private final SurvivedFaults faults =
      new SurvivedFaults("redis-tick", log::error, System::nanoTime); // of tick()
  private final Map<String, ProviderBreaker> breakers = new ConcurrentHashMap<>();
  private final Map<String, Refusals> refusals = new ConcurrentHashMap<>();
  private final Map<String, UsageTally> tallies = new ConcurrentHashMap<>();
  private final Set<KeyPool> ticked = ConcurrentHashMap.newKeySet(); // including pools that retire
  private final Introductions introductions = new Introductions();
  private volatile ConfigMark config = ConfigMark.NONE;

  private RedisEngine(EngineOptions options, @Nullable SocketLoop loop) {
    this.options = options;
    this.loop = loop;
    ticker.setRemoveOnCancelPolicy(true); // most alarms are cancelled before they are due
    masters = Masters.of(options.servers(), options.timeout(), loop, this::announce);
  }

  /**
   * Loads the classes and the script library that the first engine needs. Optional: a program that
   * must start fast calls this on another thread while it reads its configuration.
   */
  public static void prepare() {
    Connections.prepare();
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
    engine.masters.start();
    if (!options.isObserver()) {
      var _ =
          engine.ticker.scheduleWithFixedDelay(
              () -> engine.faults.run(engine::tick), TICK_MS, TICK_MS, TimeUnit.MILLISECONDS);
    }
    return engine;
  }

  /**
   * Opens a pool of this shape, at any time, and announces it to Redis. {@link KeyPool#reconfigure}
   * changes it and {@link KeyPool#retire} closes it. Until then do not open its name again.
   */
  public KeyPool pool(PoolPlan plan) {
    KeyPool pool =
        new KeyPool(masters.link(plan.name()), plan, options, leaseIds, this::alarm, introductions);
    pool.upkeep().runs(config);
    pool.upkeep().tells(beside -> saw(plan.name(), beside));
    pools.put(plan.name(), pool);
    ticked.add(pool);
    if (!options.isObserver()) {
      announce(pool);
    }
    return pool;
  }

  /**
   * The names of all pools with a state in Redis, without those of clients' limits. Scans all keys,
   * and blocks.
   *
   * @throws RuntimeException if Redis does not answer
   */
  public Set<String> storedPools() throws InterruptedException {
    return new StoredPools(masters, options.prefix()).names();
  }

  /**
   * A pool as the live replicas announced it, as far as Redis tells: without limits, and with its
   * keys in the order of their names. So an observer can open a pool that it has no plan of. Empty
   * if Redis has no state of it, or no key. The future fails when Redis cannot be asked.
   */
  public CompletableFuture<Optional<PoolPlan>> storedPlan(String pool) {
    return new StoredPools(masters, options.prefix()).plan(pool);
  }

  /** The pool of this name that was opened last, unless it was retired and is over. */
  public Optional<KeyPool> find(String pool) {
    return Optional.ofNullable(pools.get(pool));
  }

  /**
   * Says which configuration this process runs with: all pools' snapshots then show it, for all
   * replicas to see. Call it before the pools are opened or reconfigured.
   *
   * @param hash tells configurations apart, and nothing of their secrets; without spaces
   * @param since when this process took it
   */
  public void runs(String hash, Instant since) {
    config = ConfigMark.of(hash, since);
    ticked.forEach(pool -> pool.upkeep().runs(config));
  }

  /**
   * Says what the other replicas are to see of this process in {@link #introductions}. It travels
   * with heartbeats every few seconds, and costs no call.
   *
   * @param words asked then, so it must not block or fail; 200 printable ASCII characters at most,
   *     others are cut or become {@code ?}; blank for nothing
   */
  public void introduce(Supplier<String> words) {
    introductions.own(words);
  }

  /**
   * The replicas of the last ten seconds by id, as the last heartbeats or snapshots told, with what
   * each says of itself; empty where it said nothing. Of at most 200 replicas there are words.
   */
  public Map<String, String> introductions() {
    return introductions.all();
  }

  /** The circuit breaker of the provider whose keys are in the named pool. */
  public ProviderBreaker breaker(String pool) {
    return breakers.computeIfAbsent(
        pool, name -> new ProviderBreaker(masters.link(name), options, name, System::nanoTime));
  }

  /** The named pool's evidence: what its accounts refused and served of late. */
  public Refusals refusals(String pool) {
    return refusals.computeIfAbsent(
        pool, name -> new Refusals(masters.link(name), options, name, System::nanoTime));
  }

  /**
   * Returns the probation of the named pool's quarantined keys. The pool must belong to this
   * engine.
   */
  public Probation probation(String pool) {
    return new Probation(
        masters.link(pool),
        options,
        pool,
        () -> Objects.requireNonNull(pools.get(pool), "no such pool"));
  }

  /** Which accounts of the named pool made what their provider keeps. */
  public Pins pins(String pool) {
    return new Pins(masters.link(pool), options, pool);
  }

  /**
   * Short texts that all replicas share.
   *
   * @param book a name for them; no pool's
   */
  public Notes notes(String book) {
    return new Notes(masters.link(book), options.prefix(), book);
  }

  /**
   * Counts what clients use, without limiting it.
   *
   * @param pool the pool under whose name the counts are kept; it need not exist
   * @param clients all clients to count; {@link UsageTally#reconfigure} changes them
   */
  public UsageTally tally(String pool, Collection<String> clients) {
    return tallies.computeIfAbsent(
        pool, name -> new UsageTally(masters.link(name), options, name, List.copyOf(clients)));
  }

  /** Whether Redis answers; in a Cluster, whether every master that holds a pool does. */
  public boolean isUp() {
    return masters.isUp();
  }

  /** Whether Redis answers, but later than the timeout. */
  public boolean isSlow() {
    return masters.isSlow();
  }

  /** How Redis serves the pools: the worst of all. */
  public RedisUse use() {
    if (!isUp()) {
      return RedisUse.AWAY;
    }
    return pools.values().stream()
        .map(KeyPool::use)
        .max(Comparator.naturalOrder())
        .orElse(RedisUse.SHARED);
  }

  /** The most replicas that the last heartbeats of the pools saw alive; 0 before the first. */
  public int replicas() {
    return pools.values().stream()
        .map(KeyPool::latest)
        .filter(Objects::nonNull)
        .mapToInt(PoolSnapshot::replicas)
        .max()
        .orElse(0);
  }

  /** The faults of a Redis that answers. */
  public Set<RedisTrouble> troubles() {
    return masters.connections().refusedCalls.troubles();
  }

  /** Why a call failed, and what to do about it. Without a connection: why there is none. */
  public String explained(Throwable failure) {
    Optional<String> absent =
        FailureReason.root(failure) instanceof RedisGoneException
            ? masters.failure()
            : Optional.empty();
    return absent.orElseGet(
        () -> masters.connections().refusedCalls.explained(FailureReason.of(failure)));
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

  private void announce(IntPredicate slots) {
    if (!options.isObserver()) {
      ticked.stream()
          .map(KeyPool::upkeep)
          .filter(upkeep -> upkeep.isIn(slots))
          .forEach(PoolUpkeep::announceAgain);
    }
  }

  private static void announce(KeyPool pool) {
    var _ = pool.configure().whenComplete((done, failure) -> pool.upkeep().tick());
  }

  private void tick(KeyPool pool) {
    pool.upkeep().tick();
    if (pool.upkeep().isOver()) {
      forget(pool);
    }
  }

  /** A pool's heartbeat tells whether its provider's breaker and refusals are to be read. */
  private void saw(String pool, SurveyReply.Beside beside) {
    ProviderBreaker breaker = breakers.get(pool);
    if (breaker != null) {
      breaker.saw(beside.paused());
    }
    Refusals refused = refusals.get(pool);
    if (refused != null) {
      refused.saw(beside.refusals());
    }
  }

  private void tick() {
    // The executor drops a task that throws: each tick survives whatever the others throw.
    faults.run(masters::tick);
    ticked.forEach(pool -> faults.run(() -> tick(pool)));
    breakers.values().forEach(breaker -> faults.run(breaker::tick));
    refusals.values().forEach(one -> faults.run(one::tick));
    tallies.values().forEach(tally -> faults.run(tally::tick));
  }

  private void forget(KeyPool pool) {
    String name = pool.plan().name();
    ticked.remove(pool);
    if (pools.remove(name, pool)) { // unless the name was opened again
      introductions.forget(name);
      breakers.remove(name);
      refusals.remove(name);
    }
  }

  /**
   * Sends all pending lease endings, waits until Redis has processed them, and disconnects. Blocks
   * for at most a few timeouts.
   */
  @Override
  public void close() {
    ticked.forEach(pool -> pool.upkeep().close());
    ticker.shutdownNow();
    for (KeyPool pool : ticked) {
      pool.upkeep().leave().join(); // Redis executes calls in order: all earlier ones are done, too
    }
    tallies.values().forEach(UsageTally::close);
    masters.close();
  }
}
