package relay.admission;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import relay.model.Counting;
import relay.model.Counting.Bound;
import relay.model.Dialect;
import relay.model.Weights;
import relay.redis.Estimates;
import relay.redis.model.Lease;

final class OutputReportsTest {
  private static final String MODEL = "claude-sonnet-4-5";

  private static final Duration WHOLE = Duration.ofDays(1);
  private final Estimates estimates = new Estimates();
  private Counting counting = Counting.of(Dialect.ANTHROPIC, MODEL);

  private OutputReports after(int bytes, long most) {
    OutputReports reports = new OutputReports(estimates, counting, MODEL, most);
    reports.saw(bytes / 2);
    reports.saw(bytes);
    return reports;
  }

  @Test
  void nothing_is_reported_before_a_stream_of_the_model_has_ended() {
    assertNull(after(50_000, -1).apply(WHOLE));
  }

  @Test
  void a_client_s_budget_counts_a_token_for_four_bytes_until_then() {
    assertEquals(0, after(0, -1).made());
    assertEquals(12_500, after(50_000, -1).made());
    assertEquals(600, after(50_000, 600).made());
  }

  @Test
  void bytes_tell_what_was_made_and_the_longer_outputs_what_is_to_come() {
    after(40_000, -1).ended(1_000);
    for (int n = 0; n < 100; n++) {
      estimates.learn(MODEL, 0, 0, n % 2 == 0 ? 200 : 2_000);
    }
    Lease.Progress progress = told(after(20_000, -1).apply(WHOLE));
    assertEquals(500, progress.made(), "as many tokens a byte as the stream that has ended");
    assertTrue(Math.abs(progress.rest() - 1_500) < 250, "the rest of a long one: " + progress);
  }

  @Test
  void no_more_is_to_come_than_the_client_allows() {
    after(40_000, -1).ended(1_000);
    Lease.Progress some = told(after(20_000, 600).apply(WHOLE));
    assertEquals(100, some.rest() + Math.max(0, some.made() - 500));
    Lease.Progress all = told(after(200_000, 600).apply(WHOLE));
    assertEquals(600, all.made());
    assertEquals(0, all.rest());
  }

  @Test
  void reports_are_in_what_the_output_counts() {
    after(40_000, -1).ended(1_000);
    counting = new Counting(new Weights(1, 0, 1, 3), Bound.UNCOUNTED);
    Lease.Progress progress = told(after(20_000, 600).apply(WHOLE));
    assertEquals(1_500, progress.made());
    assertEquals(300, progress.rest());
    assertEquals(500, after(20_000, 600).made(), "tokens, whatever they count");
  }

  @Test
  void the_time_of_a_stream_bounds_no_output_that_counts_at_admission() {
    for (Bound bound : Bound.values()) {
      counting = new Counting(Weights.EQUAL, bound);
      OutputReports reports = new OutputReports(estimates, counting, bound.name(), -1);
      reports.saw(40_000);
      reports.ended(1_000);
      assertEquals(500, estimates.streamedTokens(bound.name(), 20_000));
      boolean bounded = estimates.output(bound.name(), 0, Duration.ofNanos(1)).tokens() < 100;
      assertEquals(counting.countsAsMade(), bounded, bound.name());
    }
  }

  private static Lease.Progress told(Lease.@Nullable Progress progress) {
    return Objects.requireNonNull(progress);
  }
}
