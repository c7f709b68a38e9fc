package relay.estimate;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import relay.estimate.Estimator.Estimate;
import relay.model.Counting;
import relay.model.Counting.Bound;
import relay.model.Dialect;
import relay.model.Weights;
import relay.redis.Estimates;

/** Reservations by the charging rules of the providers. */
final class EstimatorTest {
  private static final Estimates NOTHING_LEARNED = new Estimates();

  private static Estimate estimate(Dialect dialect, long maxOutputTokens) {
    return estimate(Counting.of(dialect, "m"), maxOutputTokens);
  }

  private static Estimate estimate(Counting counting, long maxOutputTokens) {
    return Estimator.estimate(NOTHING_LEARNED, counting, "m", 4_000, maxOutputTokens);
  }

  @Test
  void anthropic_reserves_the_quantile_capped_by_the_clients_bound() {
    assertEquals(new Estimate(1_001, 500, 500), estimate(Dialect.ANTHROPIC, -1));
    assertEquals(new Estimate(1_001, 500, 500), estimate(Dialect.ANTHROPIC, 64_000));
    assertEquals(new Estimate(1_001, 16, 16), estimate(Dialect.ANTHROPIC, 16));
    assertEquals(new Estimate(1_001, 1, 0), estimate(Dialect.ANTHROPIC, 0));
  }

  @Test
  void openai_reserves_the_clients_bound_or_else_the_quantile() {
    assertEquals(new Estimate(1_001, 500, -1), estimate(Dialect.OPENAI, -1));
    assertEquals(new Estimate(1_001, 64_000, -1), estimate(Dialect.OPENAI, 64_000));
    assertEquals(new Estimate(1_001, 16, -1), estimate(Dialect.OPENAI, 16));
  }

  @Test
  void a_held_bound_is_reserved_as_output_or_what_the_output_may_count_if_that_is_more() {
    Counting bedrock = new Counting(new Weights(1, 0, 1, 5), Bound.HELD_AS_OUTPUT);
    assertEquals(new Estimate(1_001, 64_000, -1), estimate(bedrock, 64_000));
    assertEquals(new Estimate(1_001, 80, -1), estimate(bedrock, 16));
    assertEquals(new Estimate(1_001, 2_500, -1), estimate(bedrock, -1));
  }

  @Test
  void a_bound_held_as_input_is_reserved_there_and_output_counts_as_it_is_made() {
    Counting mantle = new Counting(Weights.CACHE_READS_FREE, Bound.HELD_AS_INPUT);
    assertEquals(new Estimate(9_001, 500, 500), estimate(mantle, 8_000));
    assertEquals(new Estimate(1_501, 500, 500), estimate(mantle, -1));
  }
}
