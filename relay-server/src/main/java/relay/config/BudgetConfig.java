package relay.config;

import java.util.Locale;

/**
 * What a client may spend in a period, over all replicas.
 *
 * @param usd billionths of a US dollar; 0 if it counts tokens
 * @param tokens input and output tokens, as limits count them; 0 if it counts dollars
 * @param per the period
 * @param rolling false for the calendar in UTC; true for any 24 hours, or any 30 days
 * @param hard whether a running stream ends when the budget is spent
 */
public record BudgetConfig(long usd, long tokens, Per per, boolean rolling, boolean hard) {
  /** Billionths. */
  public static final long DOLLAR = 1_000_000_000L;

  /** The largest budget in dollars. */
  static final long MAX_DOLLARS = 1_000_000;

  static final int MAX_BUDGETS = 8;

  /** A period. */
  public enum Per {
    DAY,
    MONTH
  }

  /** Tells a client's budgets apart: {@code usd/month}, {@code tokens/rolling-day}. */
  public String label() {
    String period = per.name().toLowerCase(Locale.ROOT);
    return (usd > 0 ? "usd" : "tokens") + "/" + (rolling ? "rolling-" : "") + period;
  }
}
