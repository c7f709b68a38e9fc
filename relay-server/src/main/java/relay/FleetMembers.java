package relay;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** Tells which replicas join the fleet and leave it, as heartbeats say. Not thread-safe. */
final class FleetMembers {
  private final Map<String, String> names = new HashMap<>(); // of those that are known, by id
  private Set<String> nameless = Set.of(); // at the last look
  private final Consumer<String> log;
  private boolean hasLooked;

  FleetMembers(Consumer<String> log) {
    this.log = log;
  }

  /**
   * Those of the first look were there before. A new one's name comes with a later heartbeat than
   * its id, if at all.
   *
   * @param introductions what each replica tells of itself, by id; empty before the first heartbeat
   */
  void saw(Map<String, String> introductions) {
    Set<String> waiting = new HashSet<>();
    introductions.forEach(
        (id, words) -> {
          if (names.containsKey(id)) {
            return;
          }
          if (hasLooked && words.isEmpty() && !nameless.contains(id)) {
            waiting.add(id);
            return;
          }
          String name = words.isEmpty() ? id : words.split(" ", 2)[0];
          names.put(id, name);
          if (hasLooked) {
            tell(name, "joined", introductions);
          }
        });
    nameless = waiting;
    names
        .entrySet()
        .removeIf(
            each -> {
              boolean left = !introductions.containsKey(each.getKey());
              if (left) {
                tell(each.getValue(), "left", introductions);
              }
              return left;
            });
    hasLooked |= !introductions.isEmpty();
  }

  private void tell(String name, String what, Map<String, String> now) {
    log.accept("replica %s %s; there are %d".formatted(name, what, now.size()));
  }
}
