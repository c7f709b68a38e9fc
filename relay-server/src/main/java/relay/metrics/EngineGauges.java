package relay.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import relay.config.RedisConfig.OnUnavailable;
import relay.pool.ClientShares;
import relay.redis.KeyPool;
import relay.redis.ProviderBreaker;
import relay.redis.RedisEngine;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.ClientState;
import relay.redis.model.RedisTrouble;
import relay.redis.model.RedisUse;

/** Gauges that read the engine at each scrape. Until an engine is bound, Redis counts as down. */
final class EngineGauges {
  /** The normal mode: limits are shared through Redis. */
  private static final String SHARED = "shared";

  private final List<PoolPlan> plans;
  private final String modeWithoutRedis;
  private volatile @Nullable Bound bound;
  private volatile long expiredBefore; // of pools that went
  private volatile long overageBefore;

  private record Bound(RedisEngine engine, List<KeyPool> pools) {}

  EngineGauges(List<PoolPlan> plans, OnUnavailable onUnavailable) {
    this.plans = plans;
    modeWithoutRedis = word(onUnavailable);
  }

  synchronized void bind(RedisEngine engine, Collection<KeyPool> pools) {
    Bound before = bound;
    if (before != null) { // a counter never falls
      for (KeyPool pool : before.pools()) {
        if (!pools.contains(pool)) {
          expiredBefore += expired(pool);
          overageBefore += pool.overageTokens();
        }
      }
    }
    bound = new Bound(engine, List.copyOf(pools));
  }

  void register(MeterRegistry registry) {
    Gauge.builder("relay.redis.up", this, g -> g.isUp() ? 1 : 0)
        .description("1 while Redis responds")
        .register(registry);
    Gauge.builder("relay.redis.slow", this, g -> g.isSlow() ? 1 : 0)
        .description("1 while Redis responds later than redis.timeout_ms")
        .register(registry);
    for (RedisTrouble trouble : RedisTrouble.values()) {
      Gauge.builder("relay.redis.trouble", this, g -> g.has(trouble) ? 1 : 0)
          .description("1 while Redis responds and cannot be used as it should")
          .tag("trouble", trouble.name().toLowerCase(Locale.ROOT))
          .register(registry);
    }
    mode(registry, SHARED);
    for (OnUnavailable without : OnUnavailable.values()) {
      mode(registry, word(without));
    }
    Gauge.builder("relay.waiting", this, EngineGauges::waiting)
        .description("Requests waiting for capacity")
        .register(registry);
    FunctionCounter.builder(
            "relay.leases.expired", this, g -> g.expiredBefore + g.sum(EngineGauges::expired))
        .description("Leases whose replica ended without ending them, over all replicas")
        .register(registry);
    FunctionCounter.builder(
            "relay.overage.tokens", this, g -> g.overageBefore + g.sum(KeyPool::overageTokens))
        .description("Tokens that providers counted beyond what was reserved")
        .register(registry);
  }

  private void mode(MeterRegistry registry, String mode) {
    Gauge.builder("relay.redis.mode", this, g -> g.mode().equals(mode) ? 1 : 0)
        .description("1 for the current mode of limit enforcement")
        .tag("mode", mode)
        .register(registry);
  }

  boolean isUp() {
    Bound now = bound;
    return now != null && now.engine().isUp();
  }

  private boolean isSlow() {
    Bound now = bound;
    return now != null && now.engine().isSlow();
  }

  private boolean has(RedisTrouble trouble) {
    Bound now = bound;
    return now != null && now.engine().troubles().contains(trouble);
  }

  /** What limits are enforced by now. */
  String mode() {
    Bound now = bound;
    return now != null && now.engine().use() == RedisUse.SHARED ? SHARED : modeWithoutRedis;
  }

  /** Requests waiting for capacity. */
  long waiting() {
    return (long) sum(KeyPool::waiting);
  }

  /** What clients have of pools that are short, by name. */
  Map<String, ClientState> clients() {
    Bound now = bound;
    return now == null ? Map.of() : ClientShares.states(now.pools());
  }

  private double sum(ToLongFunction<KeyPool> of) {
    Bound now = bound;
    return now == null ? 0 : now.pools().stream().mapToLong(of).sum();
  }

  private static long expired(KeyPool pool) {
    PoolSnapshot latest = pool.latest();
    return latest == null ? 0 : latest.expiredLeases();
  }

  /** How many configurations the fleet's replicas run with; 0 while that is not known. */
  int configurations() {
    Bound now = bound;
    return now == null
        ? 0
        : (int)
            now.pools().stream()
                .map(KeyPool::latest)
                .filter(Objects::nonNull)
                .flatMap(latest -> latest.configs().stream())
                .map(PoolSnapshot.ConfigState::hash)
                .distinct()
                .count();
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
