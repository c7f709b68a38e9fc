package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static relay.redis.DayPool.SLOT;
import static relay.redis.DayPool.plan;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.DayPool.Told;
import relay.redis.model.Acquisition;
import relay.redis.model.Days;
import relay.redis.model.PoolPlan;
import relay.redis.script.Reply;

/** Limits a day beside those of a minute. */
@Tag("slow")
final class DaysTest {
  private static final Instant START = Instant.parse("2026-11-28T10:03:00Z");
  private static final Duration DAY = Duration.ofDays(1);
  private static final Duration STEP = Duration.ofNanos(1_000);
  private static final long REQUESTS_A_DAY =
      Reply.REASONS.indexOf(Acquisition.Reason.REQUESTS_A_DAY);
  private static final long TOKENS_A_DAY = Reply.REASONS.indexOf(Acquisition.Reason.TOKENS_A_DAY);
  private static final ZoneId LOS_ANGELES = ZoneId.of("America/Los_Angeles");

  private static Days.Count count(long requests, long tokens) {
    return new Days.Count(requests, tokens);
  }

  @Test
  void no_24_hours_exceed_the_limit_and_99_percent_of_it_are_used() {
    int limit = 300;
    Random random = new Random(1);
    try (DayPool pool = new DayPool(START, plan(1, limit, 0))) {
      Deque<Instant> lately = new ArrayDeque<>();
      int last = 0;
      Instant end = START.plus(DAY.multipliedBy(3));
      while (pool.now().isBefore(end)) {
        Instant now = pool.now();
        while (!lately.isEmpty() && !lately.getFirst().isAfter(now.minus(DAY))) {
          lately.removeFirst();
        }
        if (pool.ask(5, 5).isGranted()) {
          lately.add(now);
          assertTrue(lately.size() <= limit, lately.size() + " in 24 hours at " + now);
          last += now.isAfter(end.minus(DAY)) ? 1 : 0;
        }
        pool.pass(Duration.ofSeconds(30 + random.nextInt(120)));
      }
      assertTrue(last >= 0.99 * limit - 1, last + " of " + limit + " on the last day");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_retry_at_the_time_that_is_told_is_granted_and_an_earlier_one_is_not(boolean rolling) {
    Random random = new Random(2);
    PoolPlan plan =
        rolling
            ? plan(1, 40, 4_000)
            : plan(1, 40, 4_000, LocalTime.of(7, 5), ZoneId.of("Asia/Kathmandu"));
    try (DayPool pool = new DayPool(START, plan)) {
      int refused = 0;
      for (int n = 0; n < 400; n++) {
        pool.pass(Duration.ofSeconds(random.nextInt(3_000)));
        long input = 1L + random.nextInt(250);
        Told told = pool.ask(input, 0);
        if (!told.isGranted()) {
          refused++;
          assertEquals(0, told.code());
          assertTrue(
              told.reason() == REQUESTS_A_DAY || told.reason() == TOKENS_A_DAY, told.toString());
          Instant opens = pool.now().plus(told.retryAfter());
          pool.at(opens.minus(STEP));
          assertFalse(pool.ask(input, 0).isGranted(), "too early: " + told);
          pool.at(opens);
          assertTrue(pool.ask(input, 0).isGranted(), "in time: " + told);
        }
      }
      assertTrue(refused > 10, refused + " refused");
    }
  }

  @Test
  void a_day_of_the_calendar_begins_anew_at_its_time_also_when_clocks_change() {
    for (String date : List.of("2026-03-08", "2026-11-01", "2026-11-28", "2027-03-14")) {
      Instant midnight = LocalDate.parse(date).atStartOfDay(LOS_ANGELES).toInstant();
      Instant end = LocalDate.parse(date).plusDays(1).atStartOfDay(LOS_ANGELES).toInstant();
      Duration length = Duration.between(midnight, end);
      assertEquals(
          switch (date) {
            case "2026-11-01" -> Duration.ofHours(25);
            case "2026-11-28" -> DAY;
            default -> Duration.ofHours(23);
          },
          length);
      Instant before = midnight.minus(Duration.ofHours(3));
      try (DayPool pool = new DayPool(before, plan(1, 2, 0, LocalTime.MIDNIGHT, LOS_ANGELES))) {
        assertTrue(pool.ask(1, 1).isGranted());
        assertTrue(pool.ask(1, 1).isGranted());
        assertEquals(Duration.between(before, midnight), pool.ask(1, 1).retryAfter());
        pool.at(midnight.plus(Duration.ofMinutes(1)));
        assertTrue(pool.ask(1, 1).isGranted());
        assertTrue(pool.ask(1, 1).isGranted());
        assertEquals(length.minusMinutes(1), pool.ask(1, 1).retryAfter());
        pool.at(end.minus(STEP));
        assertFalse(pool.ask(1, 1).isGranted());
        assertEquals(count(2, 4), pool.used());
        pool.at(end);
        assertEquals(count(0, 0), pool.used());
        assertTrue(pool.ask(1, 1).isGranted());
      }
    }
  }

  @Test
  void what_was_not_used_returns_to_its_slot_and_what_was_used_beyond_counts_now() {
    try (DayPool pool = new DayPool(START, plan(1, 10, 1_000))) {
      Told first = pool.ask(500, 200);
      Told second = pool.ask(200, 100);
      assertEquals(count(2, 1_000), pool.used());
      pool.pass(Duration.ofMinutes(25));
      pool.settle(first, 300, 100);
      assertEquals(count(2, 700), pool.used(), "refunded in a slot that has closed");
      pool.settle(first, 300, 100);
      pool.settle(second, 250, 150);
      pool.settle(second, 1, 1);
      assertEquals(count(2, 800), pool.used(), "each once; 100 more than were reserved");
      Told third = pool.ask(150, 50);
      assertTrue(third.isGranted());
      assertTrue(pool.again(third.lease(), 150, 50).isGranted());
      assertEquals(count(3, 1_000), pool.used());
      pool.cancel(third);
      assertEquals(count(2, 800), pool.used(), "a request that was never sent");

      Instant leave = Instant.parse("2026-11-29T10:10:00Z"); // the slot of 10:00 counts whole
      pool.at(leave.minus(STEP));
      assertEquals(count(2, 800), pool.used());
      pool.at(leave);
      assertEquals(count(0, 100), pool.used());
      pool.at(leave.plus(Duration.ofMinutes(20)));
      assertEquals(count(0, 0), pool.used());
    }
  }

  @Test
  void a_lease_of_yesterday_refunds_nothing_today() {
    try (DayPool pool = new DayPool(START, plan(1, 10, 1_000, LocalTime.NOON, ZoneOffset.UTC))) {
      Told old = pool.ask(400, 0);
      pool.at(Instant.parse("2026-11-28T12:01:00Z"));
      pool.ask(300, 0);
      pool.settle(old, 500, 0);
      assertEquals(count(1, 400), pool.used(), "but what it used beyond its reservation counts");
      Told another = pool.ask(100, 0);
      pool.settle(another, 10, 0);
      assertEquals(count(2, 410), pool.used());
    }
  }

  @Test
  void a_used_up_key_leaves_the_others_to_work_and_the_fuller_one_comes_last() {
    try (DayPool pool = new DayPool(START, plan(2, 3, 0))) {
      pool.charge("elsewhere", 1, 0); // less is left of the first
      for (int n = 0; n < 5; n++) {
        Told told = pool.ask(1, 1);
        assertTrue(told.isGranted());
        pool.settle(told, 1, 1);
        long one = pool.group(0).dayUsed().requests();
        long other = pool.group(1).dayUsed().requests();
        assertEquals(n + 2, one + other);
        assertTrue(Math.abs(one - other) <= 1, one + " and " + other);
      }
      assertEquals(REQUESTS_A_DAY, pool.ask(1, 1).reason());
      assertEquals(3, pool.group(1).dayUsed().requests());
      assertTrue(pool.group(1).opens().compareTo(DAY) > 0, "told as such");
    }
  }

  @Test
  void a_request_larger_than_a_day_is_refused_for_ever_and_an_estimate_is_clamped() {
    try (DayPool pool = new DayPool(START, plan(1, 0, 1_000))) {
      Told large = pool.ask(1_500, 501);
      assertEquals(-1, large.code());
      assertEquals(TOKENS_A_DAY, large.retryAfter().toNanos() / 1_000);
      assertEquals(1_000, large.reason());
      Told clamped = pool.ask(1_200, 400);
      assertEquals(1_000, clamped.input() + clamped.output());
      assertEquals(count(1, 1_000), pool.used());
      assertEquals(TOKENS_A_DAY, pool.ask(1, 0).reason());
      assertEquals(-1, pool.ask(3_000, 0).code(), "also beside a full day");
    }
  }

  @Test
  void a_change_of_the_limits_or_of_the_days_beginning_loses_nothing() {
    try (DayPool pool = new DayPool(START, plan(1, 10, 0))) {
      List<Told> all = new ArrayList<>();
      for (int n = 0; n < 6; n++) {
        all.add(pool.ask(10, 0));
        pool.pass(SLOT);
      }
      pool.configure(plan(1, 5, 0));
      assertEquals(REQUESTS_A_DAY, pool.ask(1, 1).reason());
      pool.configure(plan(1, 20, 900));
      assertEquals(count(6, 60), pool.used());
      assertEquals(count(20, 900), pool.group(0).dayLimits());
      pool.configure(plan(1, 6, 0, LocalTime.MIDNIGHT, ZoneOffset.UTC));
      Told midnight = pool.ask(1, 1);
      assertEquals(Instant.parse("2026-11-29T00:00:00Z"), pool.now().plus(midnight.retryAfter()));
      pool.cancel(all.get(5));
      assertEquals(count(5, 50), pool.used());
      pool.configure(plan(1, 5, 0));
      Told rolling = pool.ask(1, 1);
      assertEquals(
          Instant.parse("2026-11-29T11:10:00Z"),
          pool.now().plus(rolling.retryAfter()),
          "of unknown times, so all of it counts as just used");
      pool.configure(plan(1, 0, 0));
      assertEquals(Days.Count.NONE, pool.group(0).dayLimits());
      assertTrue(pool.ask(1, 1).isGranted());
      pool.configure(plan(1, 5, 0));
      assertEquals(REQUESTS_A_DAY, pool.ask(1, 1).reason(), "what was known is known again");
    }
  }

  @Test
  void a_day_outlives_an_idle_night_and_is_told_in_plain_words() {
    try (DayPool pool = new DayPool(START, plan(1, 10, 900))) {
      pool.settle(pool.ask(20, 30), 20, 10);
      assertTrue(pool.line().contains(" rpd 1/10 tpd 30/900 inflight 0"), pool.line());
      assertTrue(pool.shortestLife().compareTo(DAY.plus(SLOT)) > 0, pool.shortestLife().toString());
    }
    try (DayPool pool = new DayPool(START, plan(1, 0, 0))) {
      pool.ask(20, 30);
      assertFalse(pool.line().contains("pd "), pool.line());
      assertTrue(pool.shortestLife().compareTo(Duration.ofHours(1)) < 0);
    }
  }

  /** Random calls against a list of charges. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void usage_equals_that_of_a_list_of_charges(long seed) {
    Random random = new Random(seed);
    List<long[]> charges = new ArrayList<>(); // slot, requests, tokens
    List<Told> leases = new ArrayList<>();
    List<long[]> reserved = new ArrayList<>();
    try (DayPool pool = new DayPool(START, plan(1, 100, 10_000))) {
      for (int n = 0; n < 500; n++) {
        long slot = pool.now().getEpochSecond() / 600;
        charges.removeIf(c -> c[0] < slot - 144);
        long requests = charges.stream().mapToLong(c -> c[1]).sum();
        long tokens = charges.stream().mapToLong(c -> c[2]).sum();
        switch (random.nextInt(5)) {
          case 0, 1 -> {
            long input = random.nextInt(300);
            Told told = pool.ask(input, 10);
            assertEquals(requests < 100 && tokens + input + 10 <= 10_000, told.isGranted());
            if (told.isGranted()) {
              long[] charge = {slot, 1, input + 10};
              charges.add(charge);
              reserved.add(charge);
              leases.add(told);
            }
          }
          case 2, 3 -> {
            if (!leases.isEmpty()) {
              int at = random.nextInt(leases.size());
              Told lease = leases.remove(at);
              long[] charge = reserved.remove(at);
              long used = random.nextInt(400);
              pool.settle(lease, used, 0);
              charges.add(new long[] {slot, 0, Math.max(0, used - charge[2])});
              charge[2] = Math.min(charge[2], used);
            }
          }
          default -> pool.pass(Duration.ofSeconds(random.nextInt(2_400)));
        }
        long after = pool.now().getEpochSecond() / 600;
        charges.removeIf(c -> c[0] < after - 144);
        assertEquals(
            count(
                charges.stream().mapToLong(c -> c[1]).sum(),
                charges.stream().mapToLong(c -> c[2]).sum()),
            pool.used(),
            "seed " + seed + " step " + n);
      }
    }
  }
}
