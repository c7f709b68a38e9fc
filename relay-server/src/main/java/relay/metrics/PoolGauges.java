package relay.metrics;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/** A gauge of each pool, over one word of state. */
final class PoolGauges {
  private final MeterRegistry registry;
  private final String name;
  private final String description;
  private final ToDoubleFunction<AtomicLong> reading;
  private final Map<String, Pool> pools = new ConcurrentHashMap<>();

  private record Pool(AtomicLong state, Gauge gauge) {}

  PoolGauges(
      MeterRegistry registry,
      String name,
      String description,
      ToDoubleFunction<AtomicLong> reading) {
    this.registry = registry;
    this.name = name;
    this.description = description;
    this.reading = reading;
  }

  /** The state of a pool, 0 at first. */
  AtomicLong of(String pool) {
    Pool known = pools.get(pool);
    return (known == null ? pools.computeIfAbsent(pool, this::create) : known).state();
  }

  /** Forgets other pools. */
  void retain(Predicate<String> known) {
    pools.forEach(
        (pool, it) -> {
          if (!known.test(pool)) {
            pools.remove(pool);
            registry.remove(it.gauge());
          }
        });
  }

  private Pool create(String pool) {
    AtomicLong state = new AtomicLong();
    return new Pool(
        state,
        Gauge.builder(name, state, reading)
            .description(description)
            .tag("pool", pool)
            .register(registry));
  }
}
