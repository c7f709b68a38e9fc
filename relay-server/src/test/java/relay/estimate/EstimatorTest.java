package relay.estimate;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import relay.estimate.Estimator.Estimate;
import relay.model.Dialect;
import relay.redis.Estimates;

/** What is reserved for a request, by the rule of its provider. */
final class EstimatorTest {
  private static final Estimates NOTHING_LEARNED = new Estimates();

  private static Estimate estimate(Dialect dialect, long maxOutputTokens) {
    return Estimator.estimate(NOTHING_LEARNED, dialect, "m", 4_000, maxOutputTokens);
  }

  @Test
  void anthropic_reserves_the_quantile_and_never_more_than_the_client_allows() {
    assertEquals(new Estimate(1_001, 500), estimate(Dialect.ANTHROPIC, -1));
    assertEquals(new Estimate(1_001, 500), estimate(Dialect.ANTHROPIC, 64_000));
    assertEquals(new Estimate(1_001, 16), estimate(Dialect.ANTHROPIC, 16));
    assertEquals(new Estimate(1_001, 1), estimate(Dialect.ANTHROPIC, 0));
  }

  @Test
  void openai_reserves_what_the_client_allows_and_without_it_the_quantile() {
    assertEquals(new Estimate(1_001, 500), estimate(Dialect.OPENAI, -1));
    assertEquals(new Estimate(1_001, 64_000), estimate(Dialect.OPENAI, 64_000));
    assertEquals(new Estimate(1_001, 16), estimate(Dialect.OPENAI, 16));
  }
}
