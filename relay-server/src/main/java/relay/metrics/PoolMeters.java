package relay.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import relay.model.TokenUsage;

/** The gauges that each pool has from the start. */
final class PoolMeters {
  private final PoolGauges cacheReads;
  private final PoolGauges apart;

  PoolMeters(MeterRegistry registry) {
    cacheReads =
        new PoolGauges(
            registry,
            "relay.cache.read.ratio",
            "Share of the prompts' tokens read from providers' caches",
            CacheReads::ratio);
    apart =
        new PoolGauges(
            registry,
            "relay.accounts.counted.apart",
            "Accounts that share another account's limits, and are counted apart",
            AtomicLong::get);
  }

  void prepare(String pool) {
    var _ = cacheReads.of(pool);
    var _ = apart.of(pool);
  }

  /** Forgets other pools. */
  void retain(Predicate<String> known) {
    cacheReads.retain(known);
    apart.retain(known);
  }

  void tokens(String pool, TokenUsage usage) {
    CacheReads.add(cacheReads.of(pool), usage);
  }

  void countedApart(String pool, List<List<String>> lists) {
    apart.of(pool).set(lists.stream().mapToLong(list -> list.size() - 1).sum());
  }
}
