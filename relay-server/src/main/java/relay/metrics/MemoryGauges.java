package relay.metrics;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import relay.memory.MemoryBudget;

/** Gauges of the memory that clients may hold; 0 until a budget is bound. */
final class MemoryGauges {
  private volatile @Nullable MemoryBudget budget;

  void bind(MemoryBudget ofReplica) {
    budget = ofReplica;
  }

  void register(MeterRegistry registry) {
    Gauge.builder("relay.memory.budget", this, g -> g.read(MemoryBudget::totalBytes))
        .description("Heap bytes that requests and connections of clients may hold")
        .baseUnit("bytes")
        .register(registry);
    Gauge.builder("relay.memory.used", this, g -> g.read(MemoryBudget::usedBytes))
        .description("Heap bytes that requests and connections of clients hold, as charged")
        .baseUnit("bytes")
        .register(registry);
  }

  private double read(ToLongFunction<MemoryBudget> value) {
    MemoryBudget known = budget;
    return known == null ? 0 : value.applyAsLong(known);
  }
}
