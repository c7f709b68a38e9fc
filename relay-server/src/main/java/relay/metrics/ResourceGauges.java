package relay.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import relay.memory.MemoryBudget;

/** Meters of what this process may run out of; 0 until their sources are bound. */
final class ResourceGauges {
  private volatile @Nullable MemoryBudget budget;
  private volatile LongSupplier pauses = () -> 0;
  private volatile ToLongFunction<String> shed = _ -> 0;
  private volatile LongSupplier droppedLines = () -> 0;

  void bind(MemoryBudget ofReplica, LongSupplier ofPort) {
    budget = ofReplica;
    pauses = ofPort;
  }

  void bindShed(ToLongFunction<String> byWhich) {
    shed = byWhich;
  }

  void bindLog(LongSupplier dropped) {
    droppedLines = dropped;
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
    FunctionCounter.builder("relay.accept.pauses", this, g -> g.pauses.getAsLong())
        .description("Pauses in accepting clients, because file descriptors run out")
        .register(registry);
    FunctionCounter.builder("relay.log.dropped", this, g -> g.droppedLines.getAsLong())
        .description("Log lines dropped because stderr was not read fast enough")
        .register(registry);
    for (String which : List.of("stranger", "newcomer", "head")) {
      registerShed(registry, which);
    }
  }

  private void registerShed(MeterRegistry registry, String which) {
    FunctionCounter.builder("relay.connections.shed", this, g -> g.shed.applyAsLong(which))
        .description("Connections of clients that were closed for want of memory")
        .tag("which", which)
        .register(registry);
  }

  private double read(ToLongFunction<MemoryBudget> value) {
    MemoryBudget known = budget;
    return known == null ? 0 : value.applyAsLong(known);
  }
}
