package relay.upstream;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The earliest retry time that a refusing provider states. Sources: RFC 9110 (seconds or a date),
 * Anthropic's and OpenAI's documentation of their rate limit headers. Unreadable values and times
 * more than a day ahead are ignored.
 */
public final class RetryTime {
  private static final Duration LONGEST = Duration.ofDays(1);
  private static final Pattern SECONDS = Pattern.compile("\\d{1,7}(\\.\\d{1,9})?");
  private static final Pattern SPAN =
      Pattern.compile(
          "(?:(\\d{1,5})h)?(?:(\\d{1,5})m(?!s))?(?:(\\d{1,7}(?:\\.\\d{1,9})?)s)?(?:(\\d{1,9}(?:\\.\\d{1,9})?)ms)?");

  private static final List<String> ANTHROPIC =
      List.of("requests", "input-tokens", "output-tokens", "tokens");

  private static final List<String> OPENAI = List.of("requests", "tokens");

  private RetryTime() {}

  /** How long to wait from {@code now}; zero if the answer does not say. */
  public static Duration of(ProviderReply answer, Instant now) {
    return of(answer::header, now);
  }

  /** As {@link #of}, from {@code retry-after} only: for refusals without an exhausted limit. */
  public static Duration stated(ProviderReply answer, Instant now) {
    return bounded(stated(answer::header, now));
  }

  static Duration of(Headers headers, Instant now) {
    Duration wait = stated(headers, now);
    return bounded(wait == null ? resets(headers, now) : wait);
  }

  /** An answer's headers by name. */
  interface Headers {
    @Nullable String value(String name);
  }

  private static Duration bounded(@Nullable Duration wait) {
    return wait == null || wait.isNegative() || wait.compareTo(LONGEST) > 0 ? Duration.ZERO : wait;
  }

  private static @Nullable Duration stated(Headers headers, Instant now) {
    Duration wait = milliseconds(headers.value("retry-after-ms"));
    return wait == null ? retryAfter(headers.value("retry-after"), now) : wait;
  }

  /**
   * A reset is the time of a full refill. The latest reset of the exhausted limits applies; a limit
   * without a remaining count is taken as exhausted. If none is exhausted, some limit had too
   * little left for this request, so the earliest reset applies.
   */
  private static @Nullable Duration resets(Headers headers, Instant now) {
    Duration latest = null;
    Duration soonest = null;
    for (Reset reset : all(headers, now)) {
      if (reset.exhausted()) {
        latest = latest == null || reset.in().compareTo(latest) > 0 ? reset.in() : latest;
      } else {
        soonest = soonest == null || reset.in().compareTo(soonest) < 0 ? reset.in() : soonest;
      }
    }
    return latest == null ? soonest : latest;
  }

  private record Reset(Duration in, boolean exhausted) {}

  private static List<Reset> all(Headers headers, Instant now) {
    List<Reset> resets = new ArrayList<>();
    for (String what : ANTHROPIC) {
      String name = "anthropic-ratelimit-" + what;
      add(resets, instant(headers.value(name + "-reset"), now), headers.value(name + "-remaining"));
    }
    for (String what : OPENAI) {
      add(
          resets,
          span(headers.value("x-ratelimit-reset-" + what)),
          headers.value("x-ratelimit-remaining-" + what));
    }
    return resets;
  }

  private static void add(List<Reset> resets, @Nullable Duration in, @Nullable String remaining) {
    if (in != null && !in.isNegative() && !in.isZero()) {
      resets.add(new Reset(in, remaining == null || remaining.strip().equals("0")));
    }
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
