package relay.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/** Timers of one name, one for each value of a label. Thread-safe. */
final class TimerSeries {
  private final MeterRegistry registry;
  private final String name;
  private final String description;
  private final Duration[] buckets;
  private final String label;
  private final Map<String, Timer> timers = new ConcurrentHashMap<>();

  TimerSeries(
      MeterRegistry registry, String name, String description, Duration[] buckets, String label) {
    this.registry = registry;
    this.name = name;
    this.description = description;
    this.buckets = buckets;
    this.label = label;
  }

  Timer of(String value) {
    Timer known = timers.get(value);
    return known != null ? known : timers.computeIfAbsent(value, this::register);
  }

  /** Removes the timers of other values. */
  void retain(Predicate<String> values) {
    timers.forEach(
        (value, timer) -> {
          if (!values.test(value) && timers.remove(value, timer)) {
            registry.remove(timer);
          }
        });
  }

  private Timer register(String value) {
    return Timer.builder(name)
        .description(description)
        .tag(label, value)
        .serviceLevelObjectives(buckets)
        .register(registry);
  }
}
