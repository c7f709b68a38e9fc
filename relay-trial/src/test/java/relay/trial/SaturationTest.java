package relay.trial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import relay.trial.load.PoolView;
import relay.trial.load.PoolView.Group;
import relay.trial.load.PoolView.Usage;

class SaturationTest {
  private static final long SECOND = 1_000_000_000L;
  private static final long START = 77 * SECOND;

  private final Saturation saturation = new Saturation(START, TrialPlan.standard());

  private static PoolView pool(long... used) {
    return new PoolView(
        Arrays.stream(used)
            .mapToObj(
                n -> new Group("a", new Usage(n, 100), new Usage(10, 100), new Usage(0, 0), 0, 0))
            .toList());
  }

  @Test
  void it_begins_two_windows_after_every_key_was_full_and_lasts_three() {
    saturation.observe(pool(99, 94), START + 6 * SECOND);
    assertFalse(saturation.isSteady(START + 60 * SECOND));
    saturation.observe(pool(95, 95), START + 7 * SECOND);
    saturation.observe(pool(80, 80), START + 8 * SECOND); // a burst comes free: it was full before
    assertEquals(START + 17 * SECOND, saturation.fromNanos(START + 9 * SECOND));
    assertEquals(START + 32 * SECOND, saturation.untilNanos(START + 9 * SECOND));
    assertFalse(saturation.isSteady(START + 17 * SECOND - 1));
    assertTrue(saturation.isSteady(START + 17 * SECOND));
    assertFalse(saturation.isOver(START + 32 * SECOND - 1));
    assertTrue(saturation.isOver(START + 32 * SECOND));
  }

  @Test
  void with_windows_of_a_minute_it_begins_three_later_and_lasts_as_many_as_are_asked_for() {
    Saturation minutes = new Saturation(START, TrialPlan.ofMinutes(7));
    minutes.observe(pool(99), START + 50 * SECOND);
    assertEquals(START + 230 * SECOND, minutes.fromNanos(START + 51 * SECOND));
    assertEquals(START + 650 * SECOND, minutes.untilNanos(START + 51 * SECOND));
    assertEquals(Duration.ofMinutes(17), minutes.longest());
  }

  @Test
  void it_does_not_begin_before_two_windows_and_a_half() {
    saturation.observe(pool(100), START + SECOND);
    assertEquals(START + 12_500_000_000L, saturation.fromNanos(START + 2 * SECOND));
  }

  @Test
  void a_pool_that_never_fills_up_is_judged_in_the_end() {
    for (long second = 0; second < 30; second++) {
      saturation.observe(pool(100, 50), START + second * SECOND);
      assertFalse(saturation.isSteady(START + second * SECOND));
    }
    saturation.observe(pool(100, 50), START + 30 * SECOND);
    assertTrue(saturation.isSteady(START + 40 * SECOND));
    assertTrue(saturation.isOver(START + 55 * SECOND));
    assertEquals(Duration.ofSeconds(60), saturation.longest());
  }

  @Test
  void a_pool_that_is_not_known_yet_is_not_full() {
    saturation.observe(new PoolView(List.of()), START + SECOND);
    assertFalse(saturation.isSteady(START + 29 * SECOND));
  }
}
