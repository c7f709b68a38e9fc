package relay.config;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Values that must differ from each other. */
final class Uniques<T> {
  private final Faults faults;
  private final String what;
  private final String allowed;
  private final Map<T, String> paths = new LinkedHashMap<>();

  /**
   * @param what what equal values are, such as {@code the same id as}
   * @param allowed what to do
   */
  Uniques(Faults faults, String what, String allowed) {
    this.faults = faults;
    this.what = what;
    this.allowed = allowed;
  }

  /** Whether the value is the first of its kind; null is none and passes. */
  boolean add(@Nullable T value, Place place) {
    String first = value == null ? null : paths.putIfAbsent(value, place.path());
    if (first != null) {
      faults.add(place, "is " + what + " " + first, allowed);
    }
    return first == null;
  }

  Set<T> values() {
    return Collections.unmodifiableSet(paths.keySet());
  }
}
