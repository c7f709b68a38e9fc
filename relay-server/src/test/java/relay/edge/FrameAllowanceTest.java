package relay.edge;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class FrameAllowanceTest {
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private final FrameAllowance allowance = new FrameAllowance(0);

  @Test
  void frames_of_no_request_are_too_many_at_some_point() {
    assertTrue(allowance.permits(0, FrameAllowance.MOST, 0));
    assertFalse(allowance.permits(0, 1, 0));
  }

  @Test
  void time_requests_and_answers_allow_more() {
    assertTrue(allowance.permits(0, FrameAllowance.MOST, 0));
    assertTrue(allowance.permits(0, 50, SECOND));
    assertTrue(allowance.permits(10, 80, SECOND));
    for (int n = 0; n < 10; n++) {
      allowance.sent();
    }
    assertTrue(allowance.permits(0, 40, SECOND));
    assertFalse(allowance.permits(0, 1, SECOND));
  }

  @Test
  void ping_and_windows_of_a_long_stream_are_never_too_many() {
    for (int n = 0; n < 100_000; n++) {
      allowance.sent();
      assertTrue(allowance.permits(0, 3, 0)); // two windows and a ping
    }
  }

  @Test
  void frames_of_streams_that_have_ended_count() {
    for (int n = 0; n <= FrameAllowance.MOST; n++) {
      allowance.wasted();
    }
    assertFalse(allowance.permits(0, 0, 0));
  }

  @Test
  void no_more_is_saved_up_than_a_new_connection_has() {
    assertTrue(allowance.permits(100_000, 0, 1_000 * SECOND));
    assertFalse(allowance.permits(0, FrameAllowance.MOST + 1, 1_000 * SECOND));
  }
}
