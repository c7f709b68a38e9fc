package relay.redis.chaos;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import relay.guards.Await;
import relay.redis.KeyPool;
import relay.redis.Pools;
import relay.redis.RedisEngine;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Demand;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;

/**
 * Two replicas with more requests than their pool can carry, and the provider. A second pool on the
 * same server, which is never full, tells what a request waits for Redis.
 */
final class ChaosLoad implements AutoCloseable {
  static final int ACCOUNTS = 2;
  static final int LIMIT = 300; // requests of an account in a window
  static final Duration WINDOW = Duration.ofSeconds(3);
  private static final int CLIENTS = 10; // of each replica
  static final int IN_FLIGHT = 2 * CLIENTS;
  private static final long HOLD_NANOS = 20_000_000; // a provider's answer

  /** At first requests come at the limits' rate: a burst would come again in each window. */
  private static final long FIRST_NANOS = IN_FLIGHT * WINDOW.toNanos() / (ACCOUNTS * LIMIT);

  private final List<RedisEngine> engines = new ArrayList<>();
  private final List<KeyPool> pools = new ArrayList<>();
  private final List<Thread> clients = new ArrayList<>();
  private final ChaosProvider provider = new ChaosProvider(LIMIT, WINDOW.toNanos());
  private final AtomicLong requests = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();
  private final Queue<Wait> waits = new ConcurrentLinkedQueue<>();
  private volatile boolean over;

  private record Wait(long begun, long nanos) {}

  ChaosLoad(ChaosStage stage, Fallback fallback, Duration timeout) {
    String sibling = stage.sibling();
    for (int n = 1; n <= 2; n++) {
      RedisEngine engine =
          RedisEngine.start(
              new EngineOptions(
                  stage.servers(),
                  "test",
                  "r" + n,
                  timeout,
                  fallback,
                  EngineOptions.DEFAULT_LEASE));
      engines.add(engine);
      pools.add(
          engine.pool(Pools.plan(ChaosCase.POOL, WINDOW, ACCOUNTS, new Limits(LIMIT, 0, 0, 0))));
      KeyPool ample = engine.pool(Pools.plan(sibling, WINDOW, 1, new Limits(1_000_000, 0, 0, 0)));
      Await.until("Redis is there", engine::isUp);
      clients.add(Thread.ofVirtual().start(() -> look(ample)));
    }
    for (KeyPool pool : pools) {
      Pools.awaitReplicas(pool, 2);
      for (int n = 0; n < CLIENTS; n++) {
        long at = System.nanoTime() + n * FIRST_NANOS / CLIENTS;
        clients.add(Thread.ofVirtual().start(() -> saturate(pool, at)));
      }
    }
  }

  private void saturate(KeyPool pool, long begin) {
    Await.moment(begin);
    while (!over) {
      boolean first = System.nanoTime() - begin < WINDOW.toNanos();
      Acquisition answer = pool.acquire(Demand.of(Pools.CLASS, 1, 1), WINDOW).join();
      requests.incrementAndGet();
      if (answer instanceof Granted(Lease lease)) {
        if (provider.admits(lease.group())) {
          Await.moment(System.nanoTime() + (first ? FIRST_NANOS : HOLD_NANOS));
        } else {
          pool.refused(lease, Duration.ofMillis(20));
        }
        lease.settle(1, 1);
      } else {
        if (!(answer instanceof Exhausted)) {
          failed.incrementAndGet();
        }
        Await.moment(System.nanoTime() + HOLD_NANOS);
      }
    }
  }

  /** Requests that no limit delays, 25 a second. */
  private void look(KeyPool ample) {
    while (!over) {
      long begun = System.nanoTime();
      Acquisition answer = ample.acquire(Demand.of(Pools.CLASS, 1, 1)).join();
      waits.add(new Wait(begun, System.nanoTime() - begun));
      if (answer instanceof Granted(Lease lease)) {
        lease.settle(1, 1);
      }
      Await.moment(begun + 2 * HOLD_NANOS);
    }
  }

  /** The 99th percentile of the waits for Redis in this time. */
  double waitMillis(long from, long to) {
    long[] sorted =
        waits.stream()
            .filter(wait -> wait.begun() - from >= 0 && wait.begun() - to < 0)
            .mapToLong(Wait::nanos)
            .sorted()
            .toArray();
    return sorted.length == 0 ? 0 : sorted[(int) (0.99 * (sorted.length - 1))] / 1e6;
  }

  /** Whether Redis decides for both replicas, and knows of all that the provider counted. */
  boolean isExact() {
    if (!pools.stream().allMatch(pool -> pool.fallback().isEmpty())) {
      return false;
    }
    try {
      List<Long> counted = new ArrayList<>();
      for (int n = 0; n < ACCOUNTS; n++) {
        counted.add(provider.inWindow(PoolPlan.group("account" + n, Pools.CLASS)));
      }
      PoolSnapshot now = pools.getFirst().snapshot().join();
      return now.replicas() == 2
          && now.groups().stream()
              .allMatch(
                  g ->
                      g.used().requests()
                          >= counted.get(Integer.parseInt(g.account().substring(7))));
    } catch (CompletionException e) {
      return false; // Redis does not answer
    }
  }

  long requests() {
    return requests.get();
  }

  long failed() {
    return failed.get();
  }

  ChaosProvider provider() {
    return provider;
  }

  @Override
  public void close() {
    over = true;
    Await.until("the clients end", () -> clients.stream().noneMatch(Thread::isAlive));
    engines.forEach(RedisEngine::close);
  }
}
