package relay.config;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.DoublePredicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import relay.config.Value.Kind;
import relay.config.Value.Scalar;

/** Reads numbers, flags and keywords. A wrong value reports a fault and yields the fallback. */
final class ScalarSettings {
  private static final Pattern WHOLE = Pattern.compile("-?(0|[1-9][0-9_]*)");
  private static final Pattern DECIMAL = Pattern.compile("-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?");
  private static final int MAX_DIGITS = 18;

  private ScalarSettings() {}

  static long whole(Section section, String name, long fallback, long min, long max) {
    Value value = section.take(name);
    if (value == null) {
      return fallback;
    }
    Units units = Units.of(name);
    String allowed =
        "a whole number from "
            + min
            + " to "
            + max
            + (units == null ? "" : ", or " + units.example());
    Scalar scalar = value.scalar(allowed);
    if (scalar == null) {
      return fallback;
    }
    String digits = units == null ? scalar.text() : units.plain(scalar.text());
    if (scalar.kind() == Kind.QUOTED || !WHOLE.matcher(digits).matches()) {
      value.refuse(notA("whole number", scalar), allowed);
      return fallback;
    }
    digits = digits.replace("_", "");
    if (digits.startsWith("-") && min >= 0) {
      value.refuse("is negative", allowed);
      return fallback;
    }
    if (digits.length() > MAX_DIGITS || Long.parseLong(digits) > max) {
      value.refuse("is too large", allowed);
      return fallback;
    }
    if (Long.parseLong(digits) < min) {
      value.refuse("is too small", allowed);
      return fallback;
    }
    return Long.parseLong(digits);
  }

  /** A number in (0, 1]. */
  static double ratio(Section section, String name, double fallback) {
    return decimal(
        section, name, fallback, "a number above 0, up to 1", ratio -> ratio > 0 && ratio <= 1);
  }

  /** A number with or without decimals. */
  static double number(Section section, String name, double fallback, double min, double max) {
    String allowed = "a number from %s to %s".formatted(shortest(min), shortest(max));
    return decimal(section, name, fallback, allowed, number -> number >= min && number <= max);
  }

  /** As a config file would have it. */
  static String shortest(double number) {
    return new BigDecimal(Double.toString(number)).stripTrailingZeros().toPlainString();
  }

  private static double decimal(
      Section section, String name, double fallback, String allowed, DoublePredicate isValid) {
    Value value = section.take(name);
    if (value == null) {
      return fallback;
    }
    Scalar scalar = value.scalar(allowed);
    if (scalar == null) {
      return fallback;
    }
    if (scalar.kind() == Kind.QUOTED || !DECIMAL.matcher(scalar.text()).matches()) {
      value.refuse(notA("number", scalar), allowed);
      return fallback;
    }
    double number = Double.parseDouble(scalar.text());
    if (!isValid.test(number)) {
      value.refuse("is out of range", allowed);
      return fallback;
    }
    return number;
  }

  static boolean flag(Section section, String name, boolean fallback) {
    Value value = section.take(name);
    if (value == null) {
      return fallback;
    }
    Scalar scalar = value.scalar("true or false");
    if (scalar == null) {
      return fallback;
    }
    if (scalar.kind() != Kind.QUOTED && scalar.text().equalsIgnoreCase("true")) {
      return true;
    }
    if (scalar.kind() != Kind.QUOTED && scalar.text().equalsIgnoreCase("false")) {
      return false;
    }
    value.refuse("is not a boolean", "true, false");
    return fallback;
  }

  /** An enum constant, written in lower case. */
  static <E extends Enum<E>> E choice(
      Section section, String name, E fallback, Set<String> unsupportedWords) {
    Value value = section.take(name);
    E chosen =
        value == null ? fallback : choice(value, fallback.getDeclaringClass(), unsupportedWords);
    return chosen == null ? fallback : chosen;
  }

  /** Null after a fault. */
  static <E extends Enum<E>> @Nullable E choice(
      Value value, Class<E> words, Set<String> unsupportedWords) {
    return choice(value, words, unsupportedWords, FaultWording::allowed);
  }

  /**
   * Null after a fault.
   *
   * @param remedy from an unknown word and the allowed ones
   */
  static <E extends Enum<E>> @Nullable E choice(
      Value value,
      Class<E> words,
      Set<String> unsupportedWords,
      BiFunction<String, List<String>, String> remedy) {
    List<E> constants = Arrays.asList(words.getEnumConstants());
    List<String> allowed = constants.stream().map(ScalarSettings::word).toList();
    // YAML reads off as a boolean; here it may be a keyword.
    Scalar scalar = value.scalar("one of " + String.join(", ", allowed));
    if (scalar == null) {
      return null;
    }
    int index = allowed.indexOf(scalar.text());
    if (index >= 0) {
      return constants.get(index);
    }
    if (unsupportedWords.contains(scalar.text())) {
      value.faults().notSupported(value.place(), "`" + scalar.text() + "`");
    } else {
      value.fault(scalar.shown() + " is unknown", remedy.apply(scalar.text(), allowed));
    }
    return null;
  }

  static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static String notA(String kind, Scalar scalar) {
    return scalar.kind() == Kind.QUOTED ? "is text in quotes, not a " + kind : "is not a " + kind;
  }
}
