package relay.model;

import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The text format of durations in commands and requests: {@code 500ms}, {@code 90s}, {@code 5m},
 * {@code 1h}, {@code 7d}.
 */
public final class DurationText {
  /** The allowed format, for messages. */
  public static final String ALLOWED =
      "allowed: a number above 0 with ms, s, m, h or d, up to 30 days: 90s";

  private static final Duration MOST = Duration.ofDays(30);

  /** Ten digits suffice for 30 days in milliseconds and cannot overflow. */
  private static final Pattern TEXT = Pattern.compile("([0-9]{1,10})(ms|s|m|h|d)");

  private DurationText() {}

  /** The duration, above 0 and at most 30 days; empty if the text is not a valid duration. */
  public static Optional<Duration> parse(String text) {
    Matcher matcher = TEXT.matcher(text);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    long number = Long.parseLong(matcher.group(1));
    Duration duration =
        switch (matcher.group(2)) {
          case "ms" -> Duration.ofMillis(number);
          case "s" -> Duration.ofSeconds(number);
          case "m" -> Duration.ofMinutes(number);
          case "h" -> Duration.ofHours(number);
          default -> Duration.ofDays(number);
        };
    return duration.isZero() || duration.compareTo(MOST) > 0
        ? Optional.empty()
        : Optional.of(duration);
  }
}
