package relay.estimate;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import relay.estimate.Estimator.Estimate;
import relay.model.Counting;
import relay.model.Counting.Bound;
import relay.model.Dialect;
import relay.model.TokenUsage;
import relay.model.Weights;
import relay.redis.Estimates;

/** Reservations by the charging rules of the providers. */
final class EstimatorTest {
  private static final Estimates NOTHING_LEARNED = new Estimates();

  private static Estimate estimate(Dialect dialect, long maxOutputTokens) {
    return estimate(Counting.of(dialect, "m"), maxOutputTokens);
  }

  private static Estimate estimate(Counting counting, long maxOutputTokens) {
    return Estimator.estimate(NOTHING_LEARNED, counting, "m", new TextSize(4_000, maxOutputTokens));
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
  void tokens_that_the_client_knows_are_not_estimated() {
    record Known(long inputBytes, long maxOutputTokens, long inputTokens, long outputTokens)
        implements Estimator.Size {}
    Counting heavy = new Counting(new Weights(2, 0, 1, 5), Bound.UNCOUNTED);
    Known both = new Known(0, 4_096, 1_200, 300);
    assertEquals(
        new Estimate(2_400, 1_500, 0), Estimator.estimate(NOTHING_LEARNED, heavy, "m", both));
    assertEquals(
        new TokenUsage(1_200, 0, 0, 300), Estimator.expected(NOTHING_LEARNED, heavy, "m", both));
    Known input = new Known(0, 4_096, 1_200, -1);
    assertEquals(500 * 5, Estimator.estimate(NOTHING_LEARNED, heavy, "m", input).outputTokens());
  }

  @Test
  void what_is_expected_is_in_tokens_whatever_weights_and_bounds_make_of_them_for_limits() {
    for (Bound bound : Bound.values()) {
      Counting counting = new Counting(new Weights(1, 0, 1, 5), bound);
      assertEquals(new TokenUsage(1_001, 0, 0, 500), expected(NOTHING_LEARNED, counting, 64_000));
      assertEquals(new TokenUsage(1_001, 0, 0, 500), expected(NOTHING_LEARNED, counting, -1));
      assertEquals(new TokenUsage(1_001, 0, 0, 16), expected(NOTHING_LEARNED, counting, 16));
    }
  }

  @Test
  void input_that_was_learned_by_its_weight_is_expected_without() {
    Counting heavy = new Counting(new Weights(4, 0, 4, 1), Bound.UNCOUNTED);
    Estimates learned = new Estimates();
    for (int n = 0; n < 10_000; n++) {
      TokenUsage used = new TokenUsage(1_000, 0, 0, 500);
      learned.learn("m", 4_000, heavy.inputAtStart(used), used.outputTokens());
    }
    assertEquals(4_000.0, (double) learned.inputTokens("m", 4_000), 50);
    assertEquals(1_000.0, (double) expected(learned, heavy, 500).inputTokens(), 15);
  }

  private static TokenUsage expected(Estimates learned, Counting counting, long maxOutputTokens) {
    return Estimator.expected(learned, counting, "m", new TextSize(4_000, maxOutputTokens));
  }

  @Test
  void a_bound_held_as_input_is_reserved_there_and_output_counts_as_it_is_made() {
    Counting mantle = new Counting(Weights.CACHE_READS_FREE, Bound.HELD_AS_INPUT);
    assertEquals(new Estimate(9_001, 500, 500), estimate(mantle, 8_000));
    assertEquals(new Estimate(1_501, 500, 500), estimate(mantle, -1));
  }
}
