package relay.upstream;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * When a provider that refused wants to be asked again. Sources: RFC 9110 (seconds or a date),
 * Anthropic's and OpenAI's documentation of their rate limit headers. Whatever cannot be read, or
 * lies more than a day ahead, is as good as absent.
 */
public final class RetryTime {
  private static final Duration LONGEST = Duration.ofDays(1);
  private static final Pattern SECONDS = Pattern.compile("\\d{1,7}(\\.\\d{1,9})?");
  private static final Pattern SPAN =
      Pattern.compile(
          "(?:(\\d{1,5})h)?(?:(\\d{1,5})m(?!s))?(?:(\\d{1,7}(?:\\.\\d{1,9})?)s)?(?:(\\d{1,9}(?:\\.\\d{1,9})?)ms)?");

  /**
   * Times of full refill; the earliest that is exhausted decides, so the latest is on the safe
   * side.
   */
  private static final List<String> RESETS =
      List.of(
          "anthropic-ratelimit-requests",
          "anthropic-ratelimit-input-tokens",
          "anthropic-ratelimit-output-tokens",
          "anthropic-ratelimit-tokens");

  private RetryTime() {}

  /** How long to wait from now on; zero if the answer does not say. */
  public static Duration of(UpstreamAnswer answer, Instant now) {
    Duration wait = milliseconds(answer.header("retry-after-ms"));
    if (wait == null) {
      wait = retryAfter(answer.header("retry-after"), now);
    }
    if (wait == null) {
      wait = resets(answer, now);
    }
    return wait == null || wait.isNegative() || wait.compareTo(LONGEST) > 0 ? Duration.ZERO : wait;
  }

  private static @Nullable Duration resets(UpstreamAnswer answer, Instant now) {
    Duration latest = null;
    for (String name : RESETS) {
      if ("0".equals(answer.header(name + "-remaining"))) {
        latest = later(latest, instant(answer.header(name + "-reset"), now));
      }
    }
    for (String what : List.of("requests", "tokens")) {
      if ("0".equals(answer.header("x-ratelimit-remaining-" + what))) {
        latest = later(latest, span(answer.header("x-ratelimit-reset-" + what)));
      }
    }
    return latest;
  }

  private static @Nullable Duration later(@Nullable Duration a, @Nullable Duration b) {
    return a == null || (b != null && b.compareTo(a) > 0) ? b : a;
  }

  static @Nullable Duration milliseconds(@Nullable String value) {
    return value != null && SECONDS.matcher(value).matches()
        ? nanos(Double.parseDouble(value) * 1e6)
        : null;
  }

  /** RFC 9110 {@code Retry-After}: seconds (a fraction is tolerated) or an HTTP date. */
  static @Nullable Duration retryAfter(@Nullable String value, Instant now) {
    if (value == null) {
      return null;
    }
    if (SECONDS.matcher(value).matches()) {
      return nanos(Double.parseDouble(value) * 1e9);
    }
    try {
      Instant date = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      return Duration.between(now, date);
    } catch (DateTimeException e) {
      return null;
    }
  }

  private static @Nullable Duration instant(@Nullable String value, Instant now) {
    try {
      return value == null ? null : Duration.between(now, ZonedDateTime.parse(value).toInstant());
    } catch (DateTimeException e) {
      return null;
    }
  }

  /** OpenAI's form: {@code 6m0s}, {@code 1s}, {@code 20ms}, {@code 16m17.764s}. */
  static @Nullable Duration span(@Nullable String value) {
    Matcher m = value == null ? null : SPAN.matcher(value);
    if (m == null || value == null || value.isEmpty() || !m.matches()) {
      return null;
    }
    double seconds = number(m.group(1)) * 3600 + number(m.group(2)) * 60 + number(m.group(3));
    return nanos(seconds * 1e9 + number(m.group(4)) * 1e6);
  }

  private static double number(@Nullable String digits) {
    return digits == null ? 0 : Double.parseDouble(digits);
  }

  private static Duration nanos(double nanos) {
    return Duration.ofNanos((long) Math.ceil(nanos));
  }
}
