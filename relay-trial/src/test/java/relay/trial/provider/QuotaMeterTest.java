package relay.trial.provider;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class QuotaMeterTest {
  private static final long WINDOW = 3_000_000_000L;

  @Test
  void bucket_agrees_with_exact_arithmetic_over_random_histories() {
    for (long seed = 1; seed <= 200; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      long limit = random.nextLong(1, 5000);
      long capacity = random.nextLong(1, limit + 1);
      long now = random.nextLong(1_000_000_000L);
      TokenBucket bucket = new TokenBucket(limit, capacity, WINDOW, now);
      BigDecimal level = BigDecimal.valueOf(capacity * WINDOW); // in tokens x window
      for (int step = 0; step < 300; step++) {
        long elapsed = random.nextLong(WINDOW / 20);
        now += elapsed;
        level =
            level
                .add(BigDecimal.valueOf(limit).multiply(BigDecimal.valueOf(elapsed)))
                .min(BigDecimal.valueOf(capacity * WINDOW));
        long amount = random.nextLong(1, Math.max(2, capacity / 3 + 1));
        BigDecimal missing = BigDecimal.valueOf(amount * WINDOW).subtract(level);
        long wait =
            missing.signum() <= 0
                ? 0
                : missing.divide(BigDecimal.valueOf(limit), 0, RoundingMode.CEILING).longValue();
        assertEquals(wait, bucket.waitNanos(now, amount), "seed " + seed + " step " + step);
        if (wait == 0 || random.nextInt(10) == 0) { // now and then into debt, as output does
          bucket.take(now, amount);
          level = level.subtract(BigDecimal.valueOf(amount * WINDOW));
        }
      }
    }
  }

  @Test
  void bucket_grants_at_the_end_of_the_wait_and_not_a_nanosecond_earlier() {
    TokenBucket bucket = new TokenBucket(7, 7, WINDOW, 0);
    bucket.take(0, 7);
    long wait = bucket.waitNanos(0, 1);
    assertEquals(Math.ceilDiv(WINDOW, 7), wait);
    assertEquals(1, bucket.waitNanos(wait - 1, 1));
    assertEquals(0, bucket.waitNanos(wait, 1));
    assertEquals(1, bucket.remaining(wait));
  }

  @Test
  void bucket_never_holds_more_than_its_capacity_and_says_when_it_is_full() {
    TokenBucket bucket = new TokenBucket(600, 10, WINDOW, 0);
    assertEquals(10, bucket.remaining(Long.MAX_VALUE / 2));
    bucket = new TokenBucket(600, 10, WINDOW, 0);
    bucket.take(0, 4);
    assertEquals(4 * WINDOW / 600, bucket.fullNanos(0));
  }

  @Test
  void sliding_log_agrees_with_a_list_of_every_charge() {
    for (long seed = 1; seed <= 50; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      long limit = random.nextLong(10, 500);
      SlidingLog log = new SlidingLog(limit, WINDOW);
      List<long[]> charges = new ArrayList<>();
      long now = 0;
      for (int step = 0; step < 500; step++) {
        now += random.nextLong(WINDOW / 10_000, WINDOW / 50); // apart enough to stay unmerged
        long from = now - WINDOW;
        long amount = random.nextLong(1, limit / 4 + 2);
        long used = charges.stream().filter(c -> c[0] > from).mapToLong(charge -> charge[1]).sum();
        long wait = log.waitNanos(now, amount);
        assertEquals(used + amount <= limit, wait == 0, "seed " + seed + " step " + step);
        assertEquals(Math.max(0, limit - used), log.remaining(now));
        if (wait == 0) {
          log.take(now, amount);
          charges.add(new long[] {now, amount});
        } else if (amount <= limit) {
          assertTrue(
              charges.stream().anyMatch(c -> c[0] - from == wait),
              "a wait ends when a charge leaves the window");
        }
      }
    }
  }
}
