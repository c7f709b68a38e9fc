package relay.admission;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import relay.redis.model.Acquisition.OverBudget;
import relay.redis.model.Budget;
import relay.redis.model.Demand;

final class BudgetTextTest {
  private static final Instant NOW = Instant.parse("2026-11-30T22:00:00Z");
  private static final Budget DOLLARS =
      new Budget(Budget.Unit.USD, Budget.Per.MONTH, false, Budget.DOLLAR / 2);
  private static final Budget TOKENS = new Budget(Budget.Unit.TOKENS, Budget.Per.DAY, false, 1_000);
  private static final Budget ROLLING = new Budget(Budget.Unit.TOKENS, Budget.Per.DAY, true, 900);

  /** What a client reads if a budget refuses its request for these tokens and dollars. */
  private static String refusal(Budget over, long tokens, double usd, Budget... all) {
    Demand wanted = Demand.of("any", 1, tokens - 1).costing(Math.round(usd * Budget.DOLLAR));
    OverBudget refused = new OverBudget(over, Duration.ofHours(2));
    return BudgetText.refusal("c", List.of(all), refused, wanted, NOW);
  }

  @Test
  void a_request_that_will_fit_is_told_when() {
    String reserved = "; what running requests have reserved counts as spent until they end";
    assertEquals(
        "client c has no room for this request in its budget of 0.5 usd a month: it begins anew on"
            + " 2026-12-01 (UTC)"
            + reserved,
        refusal(DOLLARS, 1_000, 0.5, DOLLARS, TOKENS));
    assertEquals(
        "client c has no room for this request in its budget of 900 tokens a rolling day: a request"
            + " of this size fits at 2026-12-01T00:00:00Z"
            + reserved,
        refusal(ROLLING, 900, 0, ROLLING));
  }

  @Test
  void a_request_larger_than_a_whole_budget_is_told_that_it_never_fits() {
    String smaller = "; send a shorter prompt or a lower max_tokens";
    assertEquals(
        "this request alone may use 0.75 usd, more than the whole budget of 0.5 usd a month of"
            + " client c: it does not fit either when that begins anew on 2026-12-01 (UTC)"
            + smaller,
        refusal(DOLLARS, 10, 0.75, TOKENS, DOLLARS));
    assertEquals(
        "this request alone may use 901 tokens, more than the whole budget of 900 tokens a rolling"
            + " day of client c: it fits at no time"
            + smaller,
        refusal(ROLLING, 901, 0, ROLLING));
  }

  @Test
  void it_is_told_so_also_if_another_budget_has_room_later_than_that() {
    assertEquals(
        "this request alone may use 1001 tokens, more than the whole budget of 1000 tokens a day of"
            + " client c: it does not fit either when that begins anew on 2026-12-01 (UTC);"
            + " send a shorter prompt or a lower max_tokens",
        refusal(DOLLARS, 1_001, 0.25, DOLLARS, TOKENS));
  }
}
