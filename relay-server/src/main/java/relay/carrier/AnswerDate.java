package relay.carrier;

import java.time.InstantSource;
import java.time.LocalDateTime;
import java.time.ZoneOffset;

/**
 * The date of answers without one, in HTTP's format: {@code Sun, 06 Nov 1994 08:49:37 GMT}.
 * Undertow's own code uses a calendar, which loads 2 MB of locale data.
 */
public final class AnswerDate {
  private static final String DAYS = "MonTueWedThuFriSatSun";
  private static final String MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";

  private record Written(long second, String text) {}

  private final InstantSource clock;
  private volatile Written last;

  public AnswerDate(InstantSource clock) {
    this.clock = clock;
    last = written(clock.millis() / 1000);
  }

  /** Formatted once a second. */
  public String now() {
    long second = clock.millis() / 1000;
    Written written = last;
    if (written.second != second) {
      written = written(second);
      last = written; // a benign race
    }
    return written.text;
  }

  private static Written written(long second) {
    LocalDateTime at = LocalDateTime.ofEpochSecond(second, 0, ZoneOffset.UTC);
    StringBuilder text = new StringBuilder(29);
    text.append(name(DAYS, at.getDayOfWeek().getValue())).append(", ");
    twoDigits(text, at.getDayOfMonth()).append(' ');
    text.append(name(MONTHS, at.getMonthValue())).append(' ').append(at.getYear()).append(' ');
    twoDigits(text, at.getHour()).append(':');
    twoDigits(text, at.getMinute()).append(':');
    twoDigits(text, at.getSecond()).append(" GMT");
    return new Written(second, text.toString());
  }

  private static String name(String names, int n) {
    return names.substring(3 * n - 3, 3 * n);
  }

  private static StringBuilder twoDigits(StringBuilder text, int n) {
    return text.append((char) ('0' + n / 10)).append((char) ('0' + n % 10));
  }
}
