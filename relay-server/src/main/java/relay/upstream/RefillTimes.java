package relay.upstream;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import relay.model.HeaderLines;
import relay.redis.model.Refill;
import relay.redis.model.Remaining;

/**
 * When an account's limits are full again, according to an answer's headers: the least time that
 * they can mean. Sources as for {@link RateLimitHeaders}. Anthropic gives a time of the provider's
 * clock, so it counts only together with the answer's {@code date}; both are whole seconds, and
 * nobody documents how they are rounded. OpenAI gives a duration.
 */
final class RefillTimes implements HeaderLines.Visitor {
  private static final Duration LONGEST = Duration.ofDays(1);
  private static final Duration ROUNDING = Duration.ofSeconds(2);

  private final @Nullable String[] anthropic =
      new @Nullable String[4]; // requests, input, output, all
  private final @Nullable String[] openAi = new @Nullable String[4];
  private @Nullable String date;

  private RefillTimes() {}

  /** Reads the header lines passed to a visitor; never throws, whatever they contain. */
  static Refill read(Consumer<HeaderLines.Visitor> lines) {
    RefillTimes times = new RefillTimes();
    lines.accept(times);
    return new Refill(times.millis(0), times.millis(1), times.millis(2), times.millis(3));
  }

  @Override
  public void line(String name, String value) {
    switch (name.toLowerCase(Locale.ROOT)) {
      case "date" -> date = value;
      case "anthropic-ratelimit-requests-reset" -> anthropic[0] = value;
      case "anthropic-ratelimit-input-tokens-reset" -> anthropic[1] = value;
      case "anthropic-ratelimit-output-tokens-reset" -> anthropic[2] = value;
      case "anthropic-ratelimit-tokens-reset" -> anthropic[3] = value;
      case "x-ratelimit-reset-requests" -> openAi[0] = value;
      case "x-ratelimit-reset-tokens" -> openAi[3] = value;
      default -> {}
    }
  }

  private long millis(int dimension) {
    String reset = anthropic[dimension];
    Duration in = reset == null ? RetryTime.span(openAi[dimension]) : until(reset);
    if (in == null || in.compareTo(LONGEST) > 0) {
      return Remaining.NOT_STATED;
    }
    return Math.max(0, in.toMillis());
  }

  private @Nullable Duration until(String reset) {
    try {
      if (date == null) {
        return null;
      }
      Instant now = ZonedDateTime.parse(date, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      return Duration.between(now, ZonedDateTime.parse(reset.strip()).toInstant()).minus(ROUNDING);
    } catch (DateTimeException e) {
      return null;
    }
  }
}
