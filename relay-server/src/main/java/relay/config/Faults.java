package relay.config;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Collects the faults of one file. Keeps at most {@link #MAX_FAULTS}, to bound memory. */
final class Faults {
  static final int MAX_FAULTS = 1000;

  private final String file;
  private final List<ConfigFault> found = new ArrayList<>();
  private int omitted;

  Faults(String file) {
    this.file = file;
  }

  void add(Place place, String wrong, String allowed) {
    if (found.size() == MAX_FAULTS) {
      omitted++;
      return;
    }
    String path = place.path().isEmpty() ? "file" : place.path();
    found.add(new ConfigFault(file, place.line(), place.column(), path, wrong, allowed));
  }

  /**
   * Reports a planned but unsupported value. Ignoring it silently would mislead the user.
   */
  void notSupported(Place place, String what) {
    add(place, what + " is not supported yet", "remove it");
  }

  boolean isEmpty() {
    return found.isEmpty();
  }

  /** The faults in file order. */
  List<ConfigFault> inOrder() {
    List<ConfigFault> ordered = new ArrayList<>(found);
    ordered.sort(Comparator.comparingInt(ConfigFault::line).thenComparingInt(ConfigFault::column));
    if (omitted > 0) {
      ConfigFault last = ordered.getLast();
      ordered.add(
          new ConfigFault(
              file,
              last.line(),
              last.column(),
              last.path(),
              "and " + omitted + " more faults",
              "fix the listed faults first"));
    }
    return List.copyOf(ordered);
  }
}
