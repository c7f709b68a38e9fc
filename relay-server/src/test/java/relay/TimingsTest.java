package relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class TimingsTest {
  private static final Timings USUAL = Timings.of("");

  @Test
  void named_times_replace_the_usual_ones() {
    Timings timings = Timings.of("probe=500,ping=1000");
    assertEquals(Duration.ofMillis(500), timings.probe());
    assertEquals(Duration.ofSeconds(1), timings.ping());
    assertEquals(USUAL.lease(), timings.lease());
    assertEquals(USUAL.background(), timings.background());
    assertEquals(USUAL.patience(), timings.patience());
  }

  /** Else a test would wait for the usual time, and say nothing of it. */
  @Test
  void a_wrong_name_is_refused() {
    assertThrows(IllegalArgumentException.class, () -> Timings.of("prob=500"));
    assertThrows(IllegalArgumentException.class, () -> Timings.of("probe"));
  }
}
