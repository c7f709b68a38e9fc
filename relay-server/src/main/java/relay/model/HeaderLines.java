package relay.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Header lines in order. Names are case-insensitive. */
public final class HeaderLines {

  /** Receives one header line. */
  @FunctionalInterface
  public interface Visitor {
    void line(String name, String value);
  }

  private final List<String> flat = new ArrayList<>(32);

  /** Appends a line. */
  public HeaderLines add(String name, String value) {
    flat.add(name);
    flat.add(value);
    return this;
  }

  /** The first value of a header; null if absent. */
  public @Nullable String first(String name) {
    for (int n = 0; n < flat.size(); n += 2) {
      if (flat.get(n).equalsIgnoreCase(name)) {
        return flat.get(n + 1);
      }
    }
    return null;
  }

  /** Passes each line to the visitor. */
  public void forEach(Visitor visitor) {
    for (int n = 0; n < flat.size(); n += 2) {
      visitor.line(flat.get(n), flat.get(n + 1));
    }
  }

  @Override
  public String toString() {
    StringBuilder names = new StringBuilder();
    forEach((name, value) -> names.append(name.toLowerCase(Locale.ROOT)).append(' '));
    return names.toString(); // without values: they may hold secrets
  }
}
