package relay.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The counters of one name, by their labels. A request finds its counter with one look into a map;
 * tags are built only when a series is new.
 *
 * @param <L> the labels: a small record
 */
final class Series<L extends Record> {
  /**
   * A series that appears with its first value hides that value from {@code rate()}, so the likely
   * ones exist from the start, up to so many; a pool of thousands of keys fills in its own as they
   * are used.
   */
  private static final int PREPARED = 2_000;

  private final Map<L, Counter> counters = new ConcurrentHashMap<>();
  private final Function<L, Counter> register;

  Series(MeterRegistry registry, String name, String description, Function<L, Tags> tags) {
    register =
        labels ->
            Counter.builder(name)
                .description(description)
                .tags(tags.apply(labels))
                .register(registry);
  }

  void prepare(Stream<L> likely) {
    likely.limit(PREPARED).forEach(this::of);
  }

  Counter of(L labels) {
    Counter known = counters.get(labels);
    return known != null ? known : counters.computeIfAbsent(labels, register);
  }
}
