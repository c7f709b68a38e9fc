package relay.config;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Collects the faults of a configuration: of its file, and of files that it names. Keeps at most
 * {@link #MAX_FAULTS}, to bound memory.
 */
final class Faults {
  static final int MAX_FAULTS = 1000;

  /** What the faults of all files share. */
  private static final class Found {
    private final List<String> files = new ArrayList<>();
    private final List<ConfigFault> faults = new ArrayList<>();
    private int omitted;
  }

  private final String file;
  private final Found all;
  private int own;

  Faults(String file) {
    this(file, new Found());
  }

  private Faults(String file, Found all) {
    this.file = file;
    this.all = all;
    all.files.add(file);
  }

  /** Collects the faults of a further file, among those of this one. */
  Faults in(String otherFile) {
    return new Faults(otherFile, all);
  }

  void add(Place place, String wrong, String allowed) {
    own++;
    if (all.faults.size() == MAX_FAULTS) {
      all.omitted++;
      return;
    }
    String path = place.path().isEmpty() ? "file" : place.path();
    all.faults.add(new ConfigFault(file, place.line(), place.column(), path, wrong, allowed));
  }

  /** Reports a planned but unsupported value. Ignoring it silently would mislead the user. */
  void notSupported(Place place, String what) {
    add(place, what + " is not supported yet", "remove it");
  }

  /** Whether this file has none, whatever the others have. */
  boolean isClean() {
    return own == 0;
  }

  boolean isEmpty() {
    return all.faults.isEmpty();
  }

  /** The faults in file order: first those of the file itself, then those of each it names. */
  List<ConfigFault> inOrder() {
    List<ConfigFault> ordered = new ArrayList<>(all.faults);
    ordered.sort(
        Comparator.comparingInt((ConfigFault fault) -> all.files.indexOf(fault.file()))
            .thenComparingInt(ConfigFault::line)
            .thenComparingInt(ConfigFault::column));
    if (all.omitted > 0) {
      ConfigFault last = ordered.getLast();
      ordered.add(
          new ConfigFault(
              last.file(),
              last.line(),
              last.column(),
              last.path(),
              "and " + all.omitted + " more faults",
              "fix the listed faults first"));
    }
    return List.copyOf(ordered);
  }
}
