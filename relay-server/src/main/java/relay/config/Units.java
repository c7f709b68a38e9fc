package relay.config;

import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The units that a whole number may have: of time if its setting's name ends with {@code _ms}, of
 * size if it ends with {@code _bytes}. A number without one is in milliseconds or bytes.
 */
final class Units {
  private static final List<Units> ALL =
      List.of(
          new Units(
              "_ms",
              "30s",
              Map.of("ms", 1L, "s", 1_000L, "m", 60_000L, "h", 3_600_000L, "d", 86_400_000L)),
          new Units("_bytes", "32MiB", Map.of("KiB", 1L << 10, "MiB", 1L << 20, "GiB", 1L << 30)));

  private final String suffix;
  private final String example;
  private final Map<String, Long> factors;

  /** Nine digits of the largest unit cannot overflow. */
  private final Pattern form;

  private Units(String suffix, String example, Map<String, Long> factors) {
    this.suffix = suffix;
    this.example = example;
    this.factors = factors;
    form =
        Pattern.compile(
            "([0-9]{1,9})(" + String.join("|", factors.keySet().stream().sorted().toList()) + ")");
  }

  /** The units of a setting; null if it has none. */
  static @Nullable Units of(String setting) {
    for (Units units : ALL) {
      if (setting.endsWith(units.suffix)) {
        return units;
      }
    }
    return null;
  }

  /** A number with a unit as one without; any other text as it is. */
  String plain(String text) {
    Matcher matcher = form.matcher(text);
    if (!matcher.matches()) {
      return text;
    }
    Long factor = factors.get(matcher.group(2));
    return factor == null ? text : String.valueOf(Long.parseLong(matcher.group(1)) * factor);
  }

  String example() {
    return example;
  }

  Pattern form() {
    return form;
  }
}
