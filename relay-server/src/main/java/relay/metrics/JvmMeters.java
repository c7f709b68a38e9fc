package relay.metrics;

import com.sun.management.OperatingSystemMXBean;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import java.lang.management.ManagementFactory;
import java.util.List;

/** Meters of the JVM and its process. */
final class JvmMeters implements AutoCloseable {
  /** Names that Prometheus' conventions refuse, and {@code promtool check metrics} with them. */
  private static final List<String> ODD = List.of("process.cpu.time", "system.cpu.count");

  private static final double NANOS_PER_SECOND = 1e9;

  private final JvmGcMetrics garbageCollection = new JvmGcMetrics();

  void register(MeterRegistry registry) {
    List.of(
            new ClassLoaderMetrics(),
            new JvmMemoryMetrics(),
            garbageCollection,
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
  }

  @Override
  public void close() {
    garbageCollection.close();
  }
}
