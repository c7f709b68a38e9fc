package relay.redis.model;

import java.time.Duration;
import java.util.Locale;

/**
 * What a key may spend in a period, over all replicas.
 *
 * @param unit what is counted
 * @param per the period
 * @param rolling false for a day or a month of the calendar in UTC; true for any 24 hours or 30
 *     days
 * @param limit in billionths of a dollar, or tokens
 * @param hard whether a running request ends when the budget is spent, and not only new ones are
 *     refused
 */
public record Budget(Unit unit, Per per, boolean rolling, long limit, boolean hard) {
  /** Billionths of a dollar. */
  public static final long DOLLAR = 1_000_000_000L;

  /** The largest budget: a million dollars, or as many tokens as a limit may have. */
  public static final long MOST = 1_000_000 * DOLLAR;

  public Budget {
    if (limit <= 0 || limit > MOST) {
      throw new IllegalArgumentException("a budget must be from 1 to " + MOST + ": " + limit);
    }
  }

  /** A budget that lets what was admitted finish. */
  public Budget(Unit unit, Per per, boolean rolling, long limit) {
    this(unit, per, rolling, limit, false);
  }

  /** What a budget counts. */
  public enum Unit {
    /** US dollars, by the prices of models. */
    USD,
    /** Input and output tokens as limits count them. */
    TOKENS
  }

  /** The period of a budget. */
  public enum Per {
    /** A day of the calendar in UTC, or any 24 hours. */
    DAY,
    /** A month of the calendar in UTC, or any 30 days. */
    MONTH
  }

  /**
   * What is spent of a budget.
   *
   * @param spent in the budget's unit
   * @param left the time until it begins anew; zero if it is rolling
   */
  public record Spent(Budget budget, long spent, Duration left) {}

  /** Its name in Redis and in metrics: {@code usd/month}, {@code tokens/rolling-day}. */
  public String label() {
    String period = per.name().toLowerCase(Locale.ROOT);
    return unit.name().toLowerCase(Locale.ROOT) + "/" + (rolling ? "rolling-" : "") + period;
  }
}
