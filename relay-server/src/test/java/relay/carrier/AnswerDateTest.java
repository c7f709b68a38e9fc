package relay.carrier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class AnswerDateTest {
  private static final DateTimeFormatter HTTP =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH)
          .withZone(ZoneOffset.UTC);

  private final AtomicReference<Instant> now =
      new AtomicReference<>(Instant.parse("1994-11-06T08:49:37Z"));
  private final AnswerDate date = new AnswerDate(now::get);

  @Test
  void it_is_the_example_of_the_standard() {
    assertEquals("Sun, 06 Nov 1994 08:49:37 GMT", date.now());
  }

  @Test
  void every_day_of_four_years_is_formatted_as_by_the_jdk() {
    Instant first = LocalDate.of(2027, 1, 1).atTime(0, 0, 59).toInstant(ZoneOffset.UTC);
    for (int day = 0; day < 4 * 366; day++) {
      now.set(first.plus(Duration.ofDays(day)).plusSeconds(day * 61L));
      assertEquals(HTTP.format(now.get()), date.now());
    }
  }

  @Test
  void it_is_formatted_once_a_second() {
    now.set(Instant.parse("2026-12-31T23:59:59.001Z"));
    String written = date.now();
    now.set(Instant.parse("2026-12-31T23:59:59.999Z"));
    assertSame(written, date.now());
    now.set(Instant.parse("2027-01-01T00:00:00Z"));
    assertEquals("Fri, 01 Jan 2027 00:00:00 GMT", date.now());
  }
}
