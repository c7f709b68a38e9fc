package relay.carrier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.xnio.XnioExecutor;

class TimersTest {
  private static final long HOUR = TimeUnit.HOURS.toNanos(1);

  private final Timers timers = new Timers();
  private final List<String> ran = new ArrayList<>();

  private Runnable told(String name) {
    return () -> ran.add(name);
  }

  @Test
  void due_timers_run_in_the_order_of_their_times_and_others_wait() {
    var _ = timers.after(told("later"), HOUR);
    var _ = timers.after(told("second"), -10);
    var _ = timers.after(told("first"), -1_000_000_000);
    assertEquals(0, timers.untilNextMs());
    timers.runDue();
    assertEquals(List.of("first", "second"), ran);
    long left = timers.untilNextMs();
    assertTrue(left > 3_500_000 && left <= 3_600_000, left + " ms");
  }

  @Test
  void a_cancelled_timer_does_not_run() {
    XnioExecutor.Key key = timers.after(told("never"), -1);
    assertTrue(key.remove());
    assertFalse(key.remove());
    timers.runDue();
    assertEquals(List.of(), ran);
    assertEquals(-1, timers.untilNextMs());
  }

  @Test
  void a_wait_of_less_than_a_millisecond_is_rounded_up_so_that_it_does_not_spin() {
    var _ = timers.after(told("soon"), 900_000_000);
    assertTrue(timers.untilNextMs() > 0);
  }

  @Test
  void a_repeated_timer_runs_until_it_is_cancelled() {
    XnioExecutor.Key key = timers.every(told("again"), 1);
    for (int n = 0; n < 3; n++) {
      LockSupport.parkNanos(1_000);
      timers.runDue();
    }
    assertTrue(ran.size() >= 3, ran::toString);
    key.remove();
    int before = ran.size();
    timers.runDue();
    assertEquals(before, ran.size());
    assertEquals(-1, timers.untilNextMs());
  }

  @Test
  void a_task_may_add_others() {
    var _ = timers.after(() -> timers.after(told("next"), -HOUR), -HOUR);
    timers.runDue();
    assertEquals(List.of("next"), ran);
  }
}
