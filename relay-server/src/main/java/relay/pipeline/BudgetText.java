package relay.pipeline;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import relay.pool.BudgetJson;
import relay.redis.Budget;

/** Budgets in words, for the clients that have them. */
final class BudgetText {
  private BudgetText() {}

  /** Names the budget, its period, and when it begins anew. */
  static String refusal(String client, Budget budget, Duration left, Instant now) {
    String period = budget.per().name().toLowerCase(Locale.ROOT);
    Instant anew = now.plus(left);
    String when =
        budget.rolling()
            ? "a request of this size fits at " + anew.truncatedTo(ChronoUnit.SECONDS)
            : "it begins anew on "
                + LocalDate.ofInstant(BudgetJson.nextPeriod(now, left), ZoneOffset.UTC)
                + " (UTC)";
    return "client %s has no room for this request in its budget of %s %s a %s%s: %s"
        .formatted(
            client,
            BudgetJson.amount(budget, budget.limit()).toPlainString(),
            BudgetJson.unit(budget),
            budget.rolling() ? "rolling " : "",
            period,
            when);
  }
}
