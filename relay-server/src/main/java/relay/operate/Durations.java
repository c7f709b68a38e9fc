package relay.operate;

import java.util.Locale;

/** Durations for people. */
final class Durations {
  private Durations() {}

  /** {@code 850 ms}, {@code 12.3 s}, {@code 4 m 10 s}, {@code 2 h 5 m}. */
  static String text(long millis) {
    if (millis < 1_000) {
      return millis + " ms";
    }
    if (millis < 60_000) {
      return String.format(
          Locale.ROOT, millis % 1_000 == 0 ? "%.0f s" : "%.1f s", Math.ceil(millis / 100.0) / 10);
    }
    long seconds = Math.ceilDiv(millis, 1_000);
    return seconds < 3_600
        ? seconds / 60 + " m" + rest(seconds % 60, " s")
        : seconds / 3_600 + " h" + rest(seconds / 60 % 60, " m");
  }

  private static String rest(long number, String unit) {
    return number == 0 ? "" : " " + number + unit;
  }
}
