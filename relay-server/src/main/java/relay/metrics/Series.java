package relay.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ObjLongConsumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The counters of one metric, by label values. A request finds its counter with one map lookup;
 * tags are built only for a new series.
 */
final class Series {
  /**
   * The most series to create up front. {@code rate()} misses the first value of a new series, so
   * likely series exist from the start. A pool of thousands of keys creates the rest on use.
   */
  private static final int PREPARED = 2_000;

  private final MeterRegistry registry;
  private final String name;
  private final String description;
  private final String[] labels;
  private final Map<Values, Counter> counters = new ConcurrentHashMap<>();

  /** Not a record: generating a record's methods would slow down the start. */
  private static final class Values {
    private final String[] values;

    Values(String[] values) {
      this.values = values;
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Values o && Arrays.equals(values, o.values);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(values);
    }
  }

  /**
   * @param labels the label names
   */
  Series(MeterRegistry registry, String name, String description, String... labels) {
    this.registry = registry;
    this.name = name;
    this.description = description;
    this.labels = labels;
  }

  /**
   * @param likely the likely values of all labels
   */
  void prepare(Stream<List<String>> likely) {
    likely.limit(PREPARED).forEach(values -> of(values.toArray(String[]::new)));
  }

  /** Creates a series for a metric that has none: an alert on a missing metric needs one. */
  void prepareOne(String... values) {
    if (counters.isEmpty()) {
      var _ = of(values);
    }
  }

  /** Forgets the counters of which the values of all labels, in their order, do not pass. */
  void retain(Predicate<List<String>> wanted) {
    counters.forEach(
        (key, counter) -> {
          if (!wanted.test(List.of(key.values)) && counters.remove(key, counter)) {
            registry.remove(counter);
          }
        });
  }

  /**
   * @param values the label values, in the order of the names
   */
  Counter of(String... values) {
    Values key = new Values(values);
    Counter known = counters.get(key);
    return known != null ? known : counters.computeIfAbsent(key, _ -> register(values));
  }

  /** Gives each series' label values and count. */
  void forEach(ObjLongConsumer<List<String>> reader) {
    counters.forEach((key, counter) -> reader.accept(List.of(key.values), (long) counter.count()));
  }

  /** Counts by the values of the first and the last label; only those above 0. */
  Map<String, Map<String, Long>> countedByFirstAndLast() {
    Map<String, Map<String, Long>> all = new HashMap<>();
    forEach(
        (values, count) -> {
          if (count > 0) {
            all.computeIfAbsent(values.getFirst(), _ -> new HashMap<>())
                .merge(values.getLast(), count, Long::sum);
          }
        });
    return all;
  }

  private Counter register(String[] values) {
    List<Tag> tags = new ArrayList<>();
    for (int n = 0; n < labels.length; n++) {
      tags.add(Tag.of(labels[n], values[n]));
    }
    return Counter.builder(name).description(description).tags(tags).register(registry);
  }
}
