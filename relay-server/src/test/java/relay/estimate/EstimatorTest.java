package relay.estimate;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import relay.estimate.Estimator.Estimate;
import relay.model.Dialect;
import relay.redis.Estimates;

/** Reservations by the charging rules of the providers. */
final class EstimatorTest {
  private static final Estimates NOTHING_LEARNED = new Estimates();

  private static Estimate estimate(Dialect dialect, long maxOutputTokens) {
    return Estimator.estimate(NOTHING_LEARNED, dialect, "m", 4_000, maxOutputTokens);
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
}
