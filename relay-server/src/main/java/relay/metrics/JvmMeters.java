package relay.metrics;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Meters of the JVM and its process. */
final class JvmMeters {
  /** Names that Prometheus' conventions refuse, and {@code promtool check metrics} with them. */
  private static final List<String> ODD = List.of("process.cpu.time", "system.cpu.count");

  private static final double NANOS_PER_SECOND = 1e9;

  private JvmMeters() {}

  static void register(MeterRegistry registry) {
    List.of(
            new ClassLoaderMetrics(),
            new JvmMemoryMetrics(),
            new JvmThreadMetrics(),
            new ProcessorMetrics(),
            new FileDescriptorMetrics(),
            new UptimeMetrics())
        .forEach(meters -> meters.bindTo(registry));
    for (String name : ODD) {
      Meter odd = registry.find(name).meter();
      if (odd != null) {
        registry.remove(odd);
      }
    }
    if (ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system) {
      FunctionCounter.builder("process.cpu", system, s -> s.getProcessCpuTime() / NANOS_PER_SECOND)
          .description("CPU time of the process")
          .baseUnit("seconds")
          .register(registry);
    }
    registerCollections(registry);
  }

  /**
   * What Micrometer's own meters of collections would tell, read when it is asked for. They are
   * told of each collection on a thread that takes half a millisecond of a processor for it.
   */
  private static void registerCollections(MeterRegistry registry) {
    for (GarbageCollectorMXBean one : ManagementFactory.getGarbageCollectorMXBeans()) {
      FunctionTimer.builder(
              "jvm.gc.pause",
              one,
              GarbageCollectorMXBean::getCollectionCount,
              GarbageCollectorMXBean::getCollectionTime,
              TimeUnit.MILLISECONDS)
          .tag("gc", one.getName())
          .description("Time for which collections paused all threads")
          .register(registry);
    }
    if (ManagementFactory.getThreadMXBean() instanceof ThreadMXBean threads) {
      FunctionCounter.builder(
              "jvm.gc.memory.allocated", threads, ThreadMXBean::getTotalThreadAllocatedBytes)
          .description("Memory that all threads have allocated")
          .baseUnit("bytes")
          .register(registry);
    }
  }
}
