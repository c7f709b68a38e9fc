package relay.config;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.Tag;
import relay.config.Value.Context;

/**
 * A mapping of settings. Every name passed to {@link #take} counts as known, and {@link #done}
 * reports all others. This avoids a second list of names.
 */
final class Section {

  /** The location of a setting's name, and its value. */
  private record Entry(Place name, Value value) {}

  private final Value self;
  private final boolean broken;
  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private final Set<String> known = new LinkedHashSet<>();
  private final Set<String> later = new LinkedHashSet<>();

  private Section(Value self, boolean broken) {
    this.self = self;
    this.broken = broken;
  }

  /**
   * @param broken whether a fault was already reported for it: then missing settings are not
   *     reported
   */
  static Section empty(Value self, boolean broken) {
    return new Section(self, broken);
  }

  static Section of(MappingNode mapping, Value self, Context context) {
    Section section = new Section(self, false);
    for (NodeTuple tuple : mapping.getValue()) {
      section.add(tuple.getKeyNode(), tuple.getValueNode(), context);
    }
    return section;
  }

  private void add(Node key, Node value, Context context) {
    if (key.getTag().equals(Tag.MERGE)) {
      faults().add(Place.of(key, path()), "a YAML merge (<<) is not supported", "write it out");
      return;
    }
    if (!(key instanceof ScalarNode scalar)) {
      faults().add(Place.of(key, path()), "has a list or mapping as a setting name", "give a word");
      return;
    }
    String name = scalar.getValue();
    Place place = Place.of(key, FaultWording.mayShow(name) ? child(name) : path());
    Entry entry = new Entry(place, new Value(value, place.path(), context));
    Entry first = entries.putIfAbsent(name, entry);
    if (first != null) {
      faults()
          .add(place, "is given twice, first on line " + first.name().line(), "keep one of them");
    }
  }

  String path() {
    return self.path();
  }

  Faults faults() {
    return self.faults();
  }

  /** The value of a setting; null if it is absent. */
  @Nullable Value take(String name) {
    known.add(name);
    Entry entry = entries.get(name);
    return entry == null ? null : entry.value();
  }

  /** The value of a required setting; null after a fault. */
  @Nullable Value need(String name, String allowed) {
    Value value = take(name);
    if (value == null) {
      missing(name, allowed);
    }
    return value;
  }

  void missing(String name, String allowed) {
    if (!broken) {
      faults().add(placeOf(name), "is missing", allowed);
    }
  }

  /** A nested section; an empty one if it is absent. */
  Section section(String name) {
    Value value = take(name);
    return value == null ? new Section(self, true) : value.section();
  }

  /** All entries, for a mapping with user-defined names. */
  Map<String, Value> all() {
    known.addAll(entries.keySet());
    Map<String, Value> all = new LinkedHashMap<>();
    entries.forEach((name, entry) -> all.put(name, entry.value()));
    return all;
  }

  /** A setting's place, or the place to report if it is absent. */
  Place placeOf(String name) {
    Entry entry = entries.get(name);
    return entry == null ? self.place().child(name) : entry.value().place();
  }

  /** A variable of the environment; empty if it is not set. */
  String environment(String name) {
    return self.environment(name);
  }

  /** Whether a fault was reported in its stead. */
  boolean isBroken() {
    return broken;
  }

  /** Rejects settings that this version does not support yet. */
  void unsupported(String... names) {
    for (String name : names) {
      known.add(name);
      later.add(name);
      Entry entry = entries.get(name);
      if (entry != null) {
        faults().notSupported(entry.name(), "`" + name + "`");
      }
    }
  }

  /** Reports every setting that was never taken. */
  void done() {
    List<String> words = known.stream().filter(name -> !later.contains(name)).toList();
    entries.forEach(
        (name, entry) -> {
          if (!known.contains(name)) {
            faults().add(entry.name(), "is not a known setting", FaultWording.allowed(name, words));
          }
        });
  }

  private String child(String name) {
    return self.place().child(name).path();
  }
}
