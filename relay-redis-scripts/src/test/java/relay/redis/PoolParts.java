package relay.redis;

import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;

/** The parts of a {@link KeyPool} that a test calls by themselves. Alarms never fire. */
final class PoolParts implements AutoCloseable {
  final EngineOptions options;
  final RedisKeys names;
  final RedisLink link;
  final PoolScripts scripts;
  final BudgetLedger ledger;
  final LeaseEndings endings;
  final AcquireCalls acquires;
  private final PoolPlan plan;
  private final Masters masters;

  /**
   * Parts that call no script before {@link #start}.
   *
   * @param nanoTime the clock of the ledger and of the endings
   */
  PoolParts(String url, PoolPlan plan, LongSupplier nanoTime) {
    this.plan = plan;
    options = Pools.options(url, "r", Fallback.CLOSED);
    names = new RedisKeys(options.prefix(), plan.name());
    masters = Masters.of(options.servers(), options.timeout(), null, master -> {});
    link = masters.link(plan.name());
    scripts = new PoolScripts(link, plan, options, new Introductions());
    ledger = new BudgetLedger(link, scripts, nanoTime);
    endings =
        new LeaseEndings(
            scripts,
            ledger,
            plan.name(),
            new OutageDebt(Fallback.FAIR_SHARE),
            PoolParts::never,
            nanoTime);
    acquires = scripts.acquires(endings);
  }

  private static Runnable never(long nanos, Runnable callback) {
    return () -> {};
  }

  /** Connects, and announces the pool. */
  void start() {
    masters.start();
    scripts.configure().join();
  }

  /** A pool for leases: its settlements go elsewhere. */
  KeyPool pool() {
    LeaseIds ids = new LeaseIds(ThreadLocalRandom.current());
    return new KeyPool(link, plan, options, ids, PoolParts::never, new Introductions());
  }

  @Override
  public void close() {
    masters.close();
  }
}
