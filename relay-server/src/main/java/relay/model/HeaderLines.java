package relay.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Header lines in their order; names are compared without regard to case. */
public final class HeaderLines {

  /** Takes one line. */
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

  /** The first value of a name; null if there is none. */
  public @Nullable String first(String name) {
    for (int n = 0; n < flat.size(); n += 2) {
      if (flat.get(n).equalsIgnoreCase(name)) {
        return flat.get(n + 1);
      }
    }
    return null;
  }

  /** Shows every line in turn. */
  public void forEach(Visitor visitor) {
    for (int n = 0; n < flat.size(); n += 2) {
      visitor.line(flat.get(n), flat.get(n + 1));
    }
  }

  @Override
  public String toString() {
    StringBuilder names = new StringBuilder();
    forEach((name, value) -> names.append(name.toLowerCase(Locale.ROOT)).append(' '));
    return names.toString(); // never values: one may be a secret
  }
}
