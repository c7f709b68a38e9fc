package relay.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import relay.config.RedisConfig.OnUnavailable;
import relay.redis.KeyPool;
import relay.redis.PoolPlan;
import relay.redis.PoolSnapshot;
import relay.redis.ProviderBreaker;
import relay.redis.RedisEngine;

/** Gauges that read the engine at each scrape. Until an engine is bound, Redis counts as down. */
final class EngineGauges {
  /** The normal mode: limits are shared through Redis. */
  private static final String SHARED = "shared";

  private final List<PoolPlan> plans;
  private final String modeWithoutRedis;
  private volatile @Nullable Bound bound;

  private record Bound(RedisEngine engine, List<KeyPool> pools) {}

  EngineGauges(List<PoolPlan> plans, OnUnavailable onUnavailable) {
    this.plans = plans;
    modeWithoutRedis = word(onUnavailable);
  }

  void bind(RedisEngine engine, Collection<KeyPool> pools) {
    bound = new Bound(engine, List.copyOf(pools));
  }

  void register(MeterRegistry registry) {
    Gauge.builder("relay.redis.up", this, g -> g.isUp() ? 1 : 0)
        .description("1 while Redis responds")
        .register(registry);
    mode(registry, SHARED);
    for (OnUnavailable without : OnUnavailable.values()) {
      mode(registry, word(without));
    }
    Gauge.builder("relay.waiting", this, g -> g.sum(KeyPool::waiting))
        .description("Requests waiting for capacity")
        .register(registry);
    FunctionCounter.builder("relay.leases.expired", this, g -> g.sum(EngineGauges::expired))
        .description("Leases that expired because their replica stopped, over all replicas")
        .register(registry);
    FunctionCounter.builder("relay.overage.tokens", this, g -> g.sum(KeyPool::overageTokens))
        .description("Tokens that providers counted in excess of the reservation")
        .register(registry);
  }

  private void mode(MeterRegistry registry, String mode) {
    Gauge.builder("relay.redis.mode", this, g -> g.mode().equals(mode) ? 1 : 0)
        .description("1 for the current mode of limit enforcement")
        .tag("mode", mode)
        .register(registry);
  }

  private boolean isUp() {
    Bound now = bound;
    return now != null && now.engine().isUp();
  }

  private String mode() {
    return isUp() ? SHARED : modeWithoutRedis;
  }

  private double sum(ToLongFunction<KeyPool> of) {
    Bound now = bound;
    return now == null ? 0 : now.pools().stream().mapToLong(of).sum();
  }

  private static long expired(KeyPool pool) {
    PoolSnapshot latest = pool.latest();
    return latest == null ? 0 : latest.expiredLeases();
  }

  List<PoolCollector.View> views() {
    Bound now = bound;
    return now == null
        ? plans.stream()
            .map(plan -> new PoolCollector.View(plan, null, ProviderBreaker.State.CLOSED))
            .toList()
        : now.pools().stream()
            .map(
                pool ->
                    new PoolCollector.View(
                        pool.plan(),
                        pool.latest(),
                        now.engine().breaker(pool.plan().name()).state()))
            .toList();
  }

  private static String word(OnUnavailable mode) {
    return mode.name().toLowerCase(Locale.ROOT);
  }
}
