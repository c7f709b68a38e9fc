package relay.config;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An entry of a list of mappings, each with a name of its own.
 *
 * @param name null if it is absent or wrong, which is a fault already
 */
record NamedEntry(Section section, @Nullable String name) {
  /**
   * The entries of a list, in order; none without it.
   *
   * @param one what an entry is, as in "give each workspace its own name"
   * @param many the plural
   */
  static List<NamedEntry> of(Section owner, String list, String one, String many, int most) {
    Value value = owner.take(list);
    List<Value> entries = value == null ? null : value.list(most, "a list of " + many);
    if (entries == null) {
      return List.of();
    }
    Uniques<String> names =
        new Uniques<>(owner.faults(), "the same name as", "give each " + one + " its own name");
    List<NamedEntry> all = new ArrayList<>();
    for (Value entry : entries) {
      Section section = entry.section();
      Value stated = section.need("name", "give " + TextSettings.NAME_FORM);
      String name = stated == null ? null : TextSettings.name(stated);
      names.add(name, section.placeOf("name"));
      all.add(new NamedEntry(section, name));
    }
    return all;
  }
}
