package relay.estimate;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import relay.guards.Allocation;
import relay.guards.CostBound;
import relay.model.Counting;
import relay.model.Dialect;
import relay.redis.Estimates;

class EstimatorCostTest {
  private static final String MODEL = "claude-sonnet-4-5";

  @Test
  void an_estimate_allocates_little() {
    Counting counting = Counting.of(Dialect.ANTHROPIC, MODEL);
    Estimates learned = new Estimates();
    for (int n = 1; n < 100; n++) {
      learned.learn(MODEL, 2_000, 500, 100 + n);
    }
    TextSize size = new TextSize(2_000, 1_024); // a request is its own size
    CostBound.ESTIMATE.hold(
        Allocation.bytesPerCall(
            () ->
                assertTrue(Estimator.estimate(learned, counting, MODEL, size).outputTokens() > 1)));
  }
}
