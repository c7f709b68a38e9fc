package relay.config;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Checks that values are unique and reports duplicates. */
final class Uniques<T> {
  private final Faults faults;
  private final String what;
  private final String allowed;
  private final Map<T, String> paths = new LinkedHashMap<>();

  /**
   * @param what how the fault describes a duplicate, such as {@code the same id as}
   * @param allowed the remedy
   */
  Uniques(Faults faults, String what, String allowed) {
    this.faults = faults;
    this.what = what;
    this.allowed = allowed;
  }

  /** Returns false, with a fault, for a duplicate. Null is never a duplicate. */
  boolean add(@Nullable T value, Place place) {
    return add(value, place, faults);
  }

  /** As {@link #add(Object, Place)}, for a value in another file, which has faults of its own. */
  boolean add(@Nullable T value, Place place, Faults ofFile) {
    String first = value == null ? null : paths.putIfAbsent(value, place.path());
    if (first != null) {
      ofFile.add(place, "is " + what + " " + first, allowed);
    }
    return first == null;
  }

  Set<T> values() {
    return Collections.unmodifiableSet(paths.keySet());
  }
}
