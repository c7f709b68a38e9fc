package relay.redis;

import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;
import relay.redis.lease.AcquireCalls;
import relay.redis.lease.BudgetLedger;
import relay.redis.lease.LeaseEndings;
import relay.redis.lease.LeaseIds;
import relay.redis.lease.OutageDebt;
import relay.redis.link.Masters;
import relay.redis.link.RedisLink;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.PoolPlan;
import relay.redis.script.Introductions;
import relay.redis.script.PoolScripts;
import relay.redis.script.RedisKeys;

/** The parts of a {@link KeyPool} that a test calls by themselves. Alarms never fire. */
public final class PoolParts implements AutoCloseable {
  final EngineOptions options;
  public final RedisKeys names;
  public final RedisLink link;
  public final PoolScripts scripts;
  public final BudgetLedger ledger;
  public final LeaseEndings endings;
  public final AcquireCalls acquires;
  private final PoolPlan plan;
  private final Masters masters;

  /**
   * Parts that call no script before {@link #start}.
   *
   * @param nanoTime the clock of the ledger and of the endings
   */
  public PoolParts(String url, PoolPlan plan, LongSupplier nanoTime) {
    this.plan = plan;
    options = Pools.options(url, "r", Fallback.CLOSED);
    names = new RedisKeys(options.prefix(), plan.name());
    masters = Masters.of(options.servers(), options.timeout(), null, master -> {});
    link = masters.link(plan.name());
    scripts = new PoolScripts(link, plan, options, new Introductions());
    ledger = new BudgetLedger(link, scripts, nanoTime);
    endings =
        new LeaseEndings(
            scripts, ledger, new OutageDebt(Fallback.FAIR_SHARE), PoolParts::never, nanoTime);
    acquires = new AcquireCalls(scripts, endings);
  }

  private static Runnable never(long nanos, Runnable callback) {
    return () -> {};
  }

  /** Connects, and announces the pool. */
  public void start() {
    masters.start();
    scripts.plans().configure().join();
  }

  /** A pool for leases: its settlements go elsewhere. */
  public KeyPool pool() {
    LeaseIds ids = new LeaseIds(ThreadLocalRandom.current());
    return new KeyPool(link, plan, options, ids, PoolParts::never, new Introductions());
  }

  @Override
  public void close() {
    masters.close();
  }
}
