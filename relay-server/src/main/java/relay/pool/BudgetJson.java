package relay.pool;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import relay.redis.model.Budget;

/** What is spent of a budget, as JSON for clients and operators. */
public final class BudgetJson {
  private BudgetJson() {}

  /** As {@code {"usd": 500, "used": 12.5, "per": "month", "rolling": false, "resets_at": …}}. */
  public static ObjectNode of(Budget.Spent spent, Instant now) {
    Budget budget = spent.budget();
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put(unit(budget), amount(budget, budget.limit()));
    node.put("used", amount(budget, spent.spent()));
    node.put("per", budget.per().name().toLowerCase(Locale.ROOT));
    node.put("rolling", budget.rolling());
    Instant anew = resetsAt(spent, now);
    node.put("resets_at", anew == null ? null : anew.toString());
    return node;
  }

  /**
   * The start of the next day or month: the nearest minute, because readings take time. Null if the
   * budget is rolling, or nothing is known yet.
   */
  private static @Nullable Instant resetsAt(Budget.Spent spent, Instant now) {
    boolean known = !spent.budget().rolling() && spent.left().isPositive();
    return known ? nextPeriod(now, spent.left()) : null;
  }

  /** The nearest minute. */
  public static Instant nextPeriod(Instant now, Duration left) {
    return now.plus(left).plusSeconds(30).truncatedTo(ChronoUnit.MINUTES);
  }

  /** The unit in one word. */
  public static String unit(Budget budget) {
    return budget.unit().name().toLowerCase(Locale.ROOT);
  }

  /** In dollars or tokens, without needless zeros. */
  public static BigDecimal amount(Budget budget, long amount) {
    BigDecimal exact =
        switch (budget.unit()) {
          case TOKENS -> BigDecimal.valueOf(amount);
          case USD -> BigDecimal.valueOf(amount, 9).stripTrailingZeros();
        };
    return exact.scale() < 0 ? exact.setScale(0) : exact;
  }
}
