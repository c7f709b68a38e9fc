package relay.admission;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import relay.pool.BudgetJson;
import relay.redis.model.Acquisition.OverBudget;
import relay.redis.model.Budget;
import relay.redis.model.Demand;

/** Budgets in words, for the clients that have them. */
final class BudgetText {
  private BudgetText() {}

  /**
   * Names the budget, its period, and when it begins anew. If the request alone exceeds a whole
   * budget, the text says so instead: waiting does not help.
   *
   * @param all the client's budgets
   */
  static String refusal(
      String client, List<Budget> all, OverBudget over, Demand wanted, Instant now) {
    return all.stream()
        .filter(budget -> amount(budget, wanted) > budget.limit())
        .findFirst()
        .map(budget -> tooLarge(client, budget, amount(budget, wanted), now))
        .orElseGet(() -> noRoom(client, over.budget(), over.left(), now));
  }

  private static long amount(Budget budget, Demand wanted) {
    return switch (budget.unit()) {
      case USD -> wanted.cost();
      case TOKENS -> wanted.inputTokens() + wanted.outputTokens();
    };
  }

  private static String tooLarge(String client, Budget budget, long amount, Instant now) {
    String never =
        budget.rolling()
            ? "it fits at no time"
            : "it does not fit either when that begins anew on " + date(next(budget, now));
    return ("this request alone may use %s %s, more than the whole budget of %s of client %s: %s;"
            + " send a shorter prompt or a lower max_tokens")
        .formatted(text(budget, amount), BudgetJson.unit(budget), limit(budget), client, never);
  }

  private static String noRoom(String client, Budget budget, Duration left, Instant now) {
    String when =
        budget.rolling()
            ? "a request of this size fits at " + now.plus(left).truncatedTo(ChronoUnit.SECONDS)
            : "it begins anew on " + date(day(BudgetJson.nextPeriod(now, left)));
    return ("client %s has no room for this request in its budget of %s: %s; what running requests"
            + " have reserved counts as spent until they end")
        .formatted(client, limit(budget), when);
  }

  /** Names a spent budget, its period, and when it begins anew. */
  static String spent(String client, Budget.Spent one, Instant now) {
    Budget budget = one.budget();
    String when =
        budget.rolling()
            ? "it has room again as what was spent first leaves it"
            : "it begins anew on " + date(next(budget, now));
    return "client %s has spent its budget of %s: %s".formatted(client, limit(budget), when);
  }

  private static String limit(Budget budget) {
    return "%s %s a %s%s"
        .formatted(
            text(budget, budget.limit()),
            BudgetJson.unit(budget),
            budget.rolling() ? "rolling " : "",
            budget.per().name().toLowerCase(Locale.ROOT));
  }

  private static String text(Budget budget, long amount) {
    return BudgetJson.amount(budget, amount).toPlainString();
  }

  private static LocalDate next(Budget budget, Instant now) {
    return switch (budget.per()) {
      case DAY -> day(now).plusDays(1);
      case MONTH -> day(LimitRefusal.nextMonth(now));
    };
  }

  private static LocalDate day(Instant at) {
    return LocalDate.ofInstant(at, ZoneOffset.UTC);
  }

  private static String date(LocalDate day) {
    return day + " (UTC)";
  }
}
