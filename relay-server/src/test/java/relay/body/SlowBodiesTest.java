package relay.body;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class SlowBodiesTest {
  private static final int A_SECOND = 256 * 1024;

  private long now;
  private final SlowBodies bodies = new SlowBodies(() -> now);
  private final SlowBodies.Reading fast = bodies.begin();
  private final SlowBodies.Reading slow = bodies.begin();
  private final SlowBodies.Reading slower = bodies.begin();

  private void pass(int seconds) {
    for (int n = 0; n < seconds; n++) {
      now += TimeUnit.SECONDS.toNanos(1);
      fast.grew(A_SECOND + 100);
      slow.grew(A_SECOND / 2);
      slower.grew(100);
    }
  }

  private List<Boolean> ended() {
    return List.of(fast.isEnded(), slow.isEnded(), slower.isEnded());
  }

  @Test
  void only_the_slowest_ends_and_a_fast_one_never() {
    pass(12);
    assertEquals(List.of(false, false, false), ended(), "while there is memory");
    bodies.endSlowest();
    assertEquals(List.of(false, false, true), ended());
    bodies.endSlowest();
    assertEquals(List.of(false, true, true), ended());
    bodies.endSlowest();
    assertEquals(List.of(false, true, true), ended());
  }

  @Test
  void none_ends_in_its_first_seconds() {
    pass(4);
    bodies.endSlowest();
    assertEquals(List.of(false, false, false), ended());
  }

  @Test
  void a_body_that_came_fast_and_then_stops_ends_after_five_seconds() {
    fast.grew(100 * A_SECOND);
    slow.close();
    slower.close();
    now += TimeUnit.SECONDS.toNanos(4);
    bodies.endSlowest();
    assertEquals(List.of(false, false, false), ended());
    now += TimeUnit.SECONDS.toNanos(1);
    bodies.endSlowest();
    assertEquals(List.of(true, false, false), ended());
  }

  @Test
  void one_that_was_read_is_left_alone() {
    pass(12);
    slower.close();
    slow.close();
    bodies.endSlowest();
    assertEquals(List.of(false, false, false), ended());
  }
}
