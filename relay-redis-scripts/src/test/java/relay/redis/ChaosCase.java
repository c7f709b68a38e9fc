package relay.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import relay.guards.Await;
import relay.redis.Acquisition.Exhausted;
import relay.redis.Acquisition.Granted;
import relay.redis.RedisServers.Topology;

/**
 * One row of the chaos table: two replicas share a saturated pool, and a fault strikes. The
 * provider enforces the pool's limits as token buckets. A second pool on the same server, which is
 * never full, tells what a request waits for Redis.
 */
record ChaosCase(ChaosFault fault, Topology topology, Fallback fallback) {
  static final String POOL = "chaos";
  private static final int ACCOUNTS = 2;
  private static final int LIMIT = 300; // requests of an account in a window
  private static final Duration WINDOW = Duration.ofSeconds(3);
  private static final int CLIENTS = 10; // of each replica
  static final int IN_FLIGHT = 2 * CLIENTS;
  private static final long HOLD_NANOS = 20_000_000; // a provider's answer
  private static final long WARM_NANOS = 2 * WINDOW.toNanos() + 500_000_000;
  private static final long SETTLED_NANOS = 15_000_000_000L;

  /**
   * What was found.
   *
   * @param addedMillis added to the 99th percentile of a request's wait for Redis
   * @param refused answers 429 of the provider, over the whole run
   * @param used share of the limits that the provider served from the fault to its end
   * @param over the most requests of a window beyond a limit
   * @param exactMillis from the fault's end until Redis decides again and misses nothing that the
   *     provider has counted; negative = not within 15 s
   */
  record Outcome(
      long requests,
      long failed,
      double addedMillis,
      long refused,
      double used,
      long over,
      long exactMillis) {
    String row(ChaosCase of) {
      return String.format(
          Locale.ROOT,
          "| %s | %s | %s | %d of %d | %.0f | %d | %.0f | %d | %s |%n",
          of.fault.title(),
          of.topology.name().toLowerCase(Locale.ROOT),
          of.fallback.name().toLowerCase(Locale.ROOT),
          failed,
          requests,
          Math.max(0, addedMillis),
          refused,
          100 * used,
          over,
          exactMillis < 0 ? "no" : String.format(Locale.ROOT, "%.1f", exactMillis / 1e3));
    }
  }

  /** Every case, in the table's order. */
  static List<ChaosCase> all() {
    List<ChaosCase> all = new ArrayList<>();
    for (ChaosFault fault : ChaosFault.values()) {
      for (Topology topology : Topology.values()) {
        for (Fallback fallback : Fallback.values()) {
          if (fault.fits(topology)) {
            all.add(new ChaosCase(fault, topology, fallback));
          }
        }
      }
    }
    return all;
  }

  /** Two replicas, their clients, and the provider. */
  private static final class Run implements AutoCloseable {
    private final List<RedisEngine> engines = new ArrayList<>();
    private final List<KeyPool> pools = new ArrayList<>();
    private final List<Thread> clients = new ArrayList<>();
    private final ChaosProvider provider = new ChaosProvider(LIMIT, WINDOW.toNanos());
    private final AtomicLong requests = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();
    private final ConcurrentLinkedQueue<long[]> waits = new ConcurrentLinkedQueue<>();
    private volatile boolean over;

    Run(ChaosStage stage, Fallback fallback, Duration timeout) {
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
        KeyPool pool = engine.pool(Pools.plan(POOL, WINDOW, ACCOUNTS, new Limits(LIMIT, 0, 0, 0)));
        KeyPool ample = engine.pool(Pools.plan(sibling, WINDOW, 1, new Limits(1_000_000, 0, 0, 0)));
        pools.add(pool);
        Await.until("Redis is there", engine::isUp);
        for (int c = 0; c < CLIENTS; c++) {
          clients.add(Thread.ofVirtual().start(() -> saturate(pool)));
        }
        clients.add(Thread.ofVirtual().start(() -> look(ample)));
      }
    }

    private void saturate(KeyPool pool) {
      while (!over) {
        Acquisition answer = pool.acquire(Demand.of(Pools.CLASS, 1, 1), WINDOW).join();
        requests.incrementAndGet();
        if (answer instanceof Granted granted) {
          Lease lease = granted.lease();
          if (provider.admits(lease.group())) {
            Await.moment(System.nanoTime() + HOLD_NANOS);
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

    /** Ten requests a second that no limit delays. */
    private void look(KeyPool ample) {
      while (!over) {
        long begun = System.nanoTime();
        Acquisition answer = ample.acquire(Demand.of(Pools.CLASS, 1, 1)).join();
        waits.add(new long[] {begun, System.nanoTime() - begun});
        requests.incrementAndGet();
        if (answer instanceof Granted granted) {
          granted.lease().settle(1, 1);
        } else if (!(answer instanceof Exhausted)) { // credit without Redis begins at nothing
          failed.incrementAndGet();
        }
        Await.moment(begun + 2 * HOLD_NANOS);
      }
    }

    double waitMillis(long from, long to) {
      long[] sorted =
          waits.stream()
              .filter(w -> w[0] - from >= 0 && w[0] - to < 0)
              .mapToLong(w -> w[1])
              .sorted()
              .toArray();
      return sorted.length == 0 ? 0 : sorted[(int) (0.99 * (sorted.length - 1))] / 1e6;
    }

    /** Whether Redis decides for both, and knows of all that the provider counted. */
    boolean isExact() {
      if (!pools.stream().allMatch(pool -> pool.fallback().isEmpty())) {
        return false;
      }
      long[] counted = new long[ACCOUNTS];
      Arrays.setAll(counted, n -> provider.inWindow("account" + n + "/" + Pools.CLASS));
      PoolSnapshot now = pools.getFirst().snapshot().join();
      return now.replicas() == 2
          && now.groups().stream()
              .allMatch(
                  g -> g.used().requests() >= counted[Integer.parseInt(g.account().substring(7))]);
    }

    @Override
    public void close() {
      over = true;
      for (Thread client : clients) {
        try {
          client.join();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
      engines.forEach(RedisEngine::close);
    }
  }

  /**
   * Runs it.
   *
   * @param timeout of calls to Redis
   */
  Outcome run(Duration timeout) {
    try (ChaosStage stage = new ChaosStage(topology);
        Run run = new Run(stage, fallback, timeout)) {
      long begun = System.nanoTime();
      Await.moment(begun + WARM_NANOS);
      long struck = System.nanoTime();
      double calm = run.waitMillis(begun + WARM_NANOS / 2, struck);
      long failedBefore = run.failed.get();
      fault.strike(stage);
      long ended = System.nanoTime();
      fault.end(stage);
      long exact = System.nanoTime();
      boolean isExact = false;
      while (!isExact && System.nanoTime() - ended < SETTLED_NANOS) {
        try {
          isExact = run.isExact();
        } catch (RuntimeException notYet) {
          // Redis does not answer
        }
        exact = System.nanoTime();
        Await.moment(exact + 10_000_000);
      }
      Await.moment(Math.max(System.nanoTime(), ended + WINDOW.toNanos())); // what it left behind
      double share =
          run.provider.admitted(struck, ended)
              / ((double) ACCOUNTS * LIMIT * (ended - struck) / WINDOW.toNanos());
      return new Outcome(
          run.requests.get(),
          run.failed.get() - failedBefore,
          run.waitMillis(struck, ended) - calm,
          run.provider.refused(),
          share,
          run.provider.overshoot(),
          isExact ? (exact - ended) / 1_000_000 : -1);
    }
  }
}
