package relay.trial.provider;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ChargeLogTest {

  @Test
  void sums_an_interval_that_is_closed_below_and_open_above() {
    ChargeLog log = new ChargeLog();
    log.add(10, 1, 100, 0);
    log.add(15, 0, 0, 7);
    log.add(20, 1, 200, 0);
    assertEquals(new ChargeLog.Sum(1, 100, 7), log.between(10, 20));
    assertEquals(new ChargeLog.Sum(1, 200, 0), log.between(20, 21));
    assertArrayEquals(new long[] {10, 20}, log.admissions(0, 100));
  }

  @Test
  void keeps_the_last_charges_and_forgets_the_oldest() {
    ChargeLog log = new ChargeLog();
    int total = ChargeLog.MAX_ENTRIES + 1000;
    for (int i = 0; i < total; i++) {
      log.add(i, 1, 2, 0);
    }
    assertEquals(
        new ChargeLog.Sum(ChargeLog.MAX_ENTRIES, 2L * ChargeLog.MAX_ENTRIES, 0),
        log.between(0, total));
    assertEquals(1000, log.admissions(0, total)[0]);
  }

  @Test
  void counts_admissions_of_each_second() {
    ChargeLog log = new ChargeLog();
    long second = 1_000_000_000L;
    log.add(0, 1, 1, 0);
    log.add(second - 1, 1, 1, 0);
    log.add(2 * second, 1, 1, 0);
    assertArrayEquals(new int[] {2, 0, 1}, log.perSecond(0, 2 * second + 1));
  }
}
