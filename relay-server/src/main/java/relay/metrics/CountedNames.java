package relay.metrics;

import java.util.Collection;
import java.util.HashSet;
import java.util.Set;

/**
 * The clients that are counted: those of the configuration, and of the one before, whose requests
 * may still run. Thread-safe.
 */
final class CountedNames {
  private volatile Set<String> counted = Set.of();
  private Set<String> present = Set.of();

  synchronized void reconfigure(Collection<String> names) {
    Set<String> both = new HashSet<>(present);
    both.addAll(names);
    present = Set.copyOf(names);
    counted = Set.copyOf(both);
  }

  boolean contains(String name) {
    return counted.contains(name);
  }
}
