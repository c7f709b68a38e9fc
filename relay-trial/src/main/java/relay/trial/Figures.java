package relay.trial;

import java.time.Duration;
import java.util.Locale;

/** Formats numbers for people. */
final class Figures {
  private Figures() {}

  /** {@code 12,345}. */
  static String count(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }

  /** {@code 950}, {@code 9.5k}, {@code 130k}, {@code 2.0M}. */
  static String tokens(long number) {
    if (number < 1_000) {
      return Long.toString(number);
    }
    if (number < 10_000) {
      return String.format(Locale.ROOT, "%.1fk", Math.floor(number / 100.0) / 10);
    }
    return number < 1_000_000
        ? number / 1_000 + "k"
        : String.format(Locale.ROOT, "%.1fM", Math.floor(number / 100_000.0) / 10);
  }

  /** {@code 99.5 %}, rounded down, so that rounding never keeps a promise. */
  static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", Math.floor(share * 1000 + 1e-9) / 10);
  }

  /** {@code 17.5 s}. */
  static String seconds(Duration duration) {
    return String.format(Locale.ROOT, "%.1f s", duration.toMillis() / 1000.0);
  }

  /** {@code 26.7 : 26.8 : 23.2 : 23.3 %}. */
  static String split(Iterable<Long> parts) {
    long total = 0;
    for (long part : parts) {
      total += part;
    }
    StringBuilder text = new StringBuilder();
    for (long part : parts) {
      text.append(text.isEmpty() ? "" : " : ")
          .append(String.format(Locale.ROOT, "%.1f", total == 0 ? 0 : 100.0 * part / total));
    }
    return text + " %";
  }

  /** Aligned to the right of a column. */
  static String right(String text, int columns) {
    return " ".repeat(Math.max(0, columns - text.length())) + text;
  }

  /** Aligned to the left of a column, cut if it is too long. */
  static String left(String text, int columns) {
    String cut = text.length() > columns ? text.substring(0, columns) : text;
    return cut + " ".repeat(columns - cut.length());
  }
}
