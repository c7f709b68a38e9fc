package relay.redis.walk;

import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;
import relay.redis.model.Days;

/**
 * When days begin, in the model.
 *
 * @param text as it is announced
 * @param starts null if days roll
 */
record DayRule(String text, @Nullable LocalTime starts, ZoneId zone) {
  private static final long TEN_MINUTES = 600_000_000;

  static DayRule of(Days days, Instant now) {
    return new DayRule(days.rule(now), days.starts(), days.zone());
  }

  boolean rolls() {
    return starts == null;
  }

  /** The number of a rolling day's slot, or the beginning of the calendar's day. */
  long period(long micros) {
    return starts == null ? Math.floorDiv(micros, TEN_MINUTES) : micros(day(micros, starts));
  }

  /** When a slot begins. */
  long begin(long slot) {
    return slot * TEN_MINUTES;
  }

  /** When another day of the calendar begins. */
  long end(long micros) {
    LocalTime at = starts == null ? LocalTime.MIDNIGHT : starts;
    return micros(day(micros, at).toLocalDate().plusDays(1).atTime(at).atZone(zone));
  }

  private ZonedDateTime day(long micros, LocalTime at) {
    ZonedDateTime time = Instant.EPOCH.plus(micros, ChronoUnit.MICROS).atZone(zone);
    ZonedDateTime today = time.toLocalDate().atTime(at).atZone(zone);
    return today.isAfter(time) ? time.toLocalDate().minusDays(1).atTime(at).atZone(zone) : today;
  }

  private static long micros(ZonedDateTime time) {
    return time.toEpochSecond() * 1_000_000;
  }
}
