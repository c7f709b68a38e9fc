package relay.trial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class TrialPlanTest {

  @Test
  void requests_are_small_against_every_limit() {
    TrialPlan plan = TrialPlan.standard();
    plan.accounts()
        .forEach(
            account -> {
              assertTrue(account.rpm() >= 200, "half a percent");
              assertTrue(plan.inputTokens() * 3 / 2 * 200L <= account.itpm());
              assertTrue(plan.outputTokens() * 200L <= account.otpm());
            });
    assertEquals(373.3, plan.capacityPerSecond(), 0.1);
  }
}
