package relay.metrics;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import relay.model.TokenUsage;

/**
 * The share of the prompts' tokens that providers read from their caches, by pool. An answer counts
 * half after 34 further ones.
 */
final class CacheReads {
  private static final float KEPT = 0.98f;

  private final MeterRegistry registry;
  private final Map<String, Pool> pools = new ConcurrentHashMap<>();

  CacheReads(MeterRegistry registry) {
    this.registry = registry;
  }

  /** Two decaying sums, as floats in one word: tokens read from a cache, and all of the prompts. */
  private record Pool(AtomicLong sums, Gauge gauge) {}

  void prepare(String pool) {
    var _ = of(pool);
  }

  /** Forgets other pools. */
  void retain(Predicate<String> known) {
    pools.forEach(
        (name, pool) -> {
          if (!known.test(name)) {
            pools.remove(name);
            registry.remove(pool.gauge());
          }
        });
  }

  void add(String pool, TokenUsage usage) {
    long read = usage.cacheReadTokens();
    long all = read + usage.inputTokens() + usage.cacheCreationTokens();
    AtomicLong sums = of(pool).sums();
    long seen;
    do {
      seen = sums.get();
    } while (!sums.compareAndSet(seen, packed(read(seen) * KEPT + read, all(seen) * KEPT + all)));
  }

  private Pool of(String name) {
    return pools.computeIfAbsent(
        name,
        _ -> {
          AtomicLong sums = new AtomicLong();
          return new Pool(
              sums,
              Gauge.builder("relay.cache.read.ratio", sums, CacheReads::ratio)
                  .description("Share of the prompts' tokens read from providers' caches")
                  .tag("pool", name)
                  .register(registry));
        });
  }

  private static double ratio(AtomicLong sums) {
    long seen = sums.get();
    return all(seen) > 0 ? read(seen) / all(seen) : 0;
  }

  private static long packed(float read, float all) {
    return (long) Float.floatToRawIntBits(read) << Integer.SIZE
        | Integer.toUnsignedLong(Float.floatToRawIntBits(all));
  }

  private static float read(long sums) {
    return Float.intBitsToFloat((int) (sums >>> Integer.SIZE));
  }

  private static float all(long sums) {
    return Float.intBitsToFloat((int) sums);
  }
}
