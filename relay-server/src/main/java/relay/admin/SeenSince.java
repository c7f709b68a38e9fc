package relay.admin;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Since when something is so, as far as this replica has seen it. Not thread-safe. */
final class SeenSince {
  /** It was so when it was looked at for the first time. */
  static final long BEFORE_THE_FIRST_LOOK = 0;

  private final Map<String, Map<String, Long>> byPlace = new HashMap<>();

  /**
   * Takes a look.
   *
   * @param place where it is looked for; each has its first look
   * @param found all that is so
   */
  void saw(String place, Collection<String> found, long nowMs) {
    Map<String, Long> before = byPlace.get(place);
    Map<String, Long> now = new HashMap<>();
    for (String each : found) {
      now.put(each, before == null ? BEFORE_THE_FIRST_LOOK : before.getOrDefault(each, nowMs));
    }
    byPlace.put(place, now);
  }

  /** Forgets other places. */
  void retain(Set<String> places) {
    byPlace.keySet().retainAll(places);
  }

  /** Since when it is so, in milliseconds; null if it is not. */
  @Nullable Long of(String place, String what) {
    return byPlace.getOrDefault(place, Map.of()).get(what);
  }
}
