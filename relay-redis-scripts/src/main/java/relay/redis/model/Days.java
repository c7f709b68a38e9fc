package relay.redis.model;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Map;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * The limits a day of a pool's quota groups, beside those of its window.
 *
 * @param limits by group; a group without an entry has none
 * @param starts when a day of the calendar begins; null if a day is any 24 hours
 * @param zone whose clocks tell that
 */
public record Days(Map<String, Count> limits, @Nullable LocalTime starts, ZoneId zone) {

  /** No group has limits a day. */
  public static final Days NONE = new Days(Map.of(), null, ZoneOffset.UTC);

  private static final Duration USUAL = Duration.ofDays(1);
  private static final int YEARS = 3; // a replica that runs for longer than two says it again

  public Days {
    limits = Map.copyOf(limits);
  }

  /**
   * Requests, and input and output tokens together: of a limit, or used. 0 = no limit.
   *
   * @param requests at most {@link Limits#MAX}, as tokens
   */
  public record Count(long requests, long tokens) {
    /** None. */
    public static final Count NONE = new Count(0, 0);

    public Count {
      if (requests < 0 || tokens < 0) {
        throw new IllegalArgumentException("a day's count is negative: " + requests + " " + tokens);
      }
    }
  }

  /**
   * What a replica saw used, so that the loss of Redis's data does not free it.
   *
   * @param used by group
   * @param micros when, on the pool's clock
   */
  public record Seen(Map<String, Count> used, long micros) {
    /** Nothing was read yet. */
    public static final Seen NOTHING = new Seen(Map.of(), 0);
  }

  /** The limits of a group. */
  public Count of(String group) {
    return limits.getOrDefault(group, Count.NONE);
  }

  /** These limits of a group's window, and no more of each than an even part of the day's. */
  public Limits paced(String group, Limits of, Duration window) {
    Count day = of(group);
    return new Limits(
        least(of.requests(), part(day.requests(), window)),
        of.inputTokens(),
        of.outputTokens(),
        least(of.totalTokens(), part(day.tokens(), window)));
  }

  private static long part(long limit, Duration window) {
    double part = (double) limit * window.toMillis() / USUAL.toMillis();
    return limit == 0 ? 0 : Math.max(1, (long) part);
  }

  private static long least(long a, long b) {
    return a == 0 || b == 0 ? Math.max(a, b) : Math.min(a, b);
  }

  /**
   * When days begin, in the words of {@code configure}: {@code rolling}, or the times from which on
   * days have 24 hours, in microseconds, from the last year's first day on. Replicas that start at
   * different times of a year say the same.
   */
  public String rule(Instant now) {
    if (starts == null) {
      return "rolling";
    }
    ZonedDateTime day =
        now.atZone(zone).toLocalDate().withDayOfYear(1).minusYears(1).atTime(starts).atZone(zone);
    ZonedDateTime end = day.plusYears(YEARS);
    StringJoiner runs = new StringJoiner(",").add(micros(day));
    while (day.isBefore(end)) {
      ZonedDateTime next = day.toLocalDate().plusDays(1).atTime(starts).atZone(zone);
      if (!Duration.between(day, next).equals(USUAL)) {
        runs.add(micros(next));
      }
      day = next;
    }
    return runs.toString();
  }

  private static String micros(ZonedDateTime time) {
    return time.toEpochSecond() + "000000";
  }
}
