package relay.admission;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongUnaryOperator;
import relay.config.PriceConfig;
import relay.model.TokenUsage;
import relay.redis.model.Lease;
import relay.redis.model.Usage;

/**
 * What one request costs in dollars, in billionths, for a client with such a budget: by the model
 * of each attempt, and by its tokens as they are, since the weights of limits say nothing of
 * prices. Used by one thread at a time.
 */
final class Spending {
  private final Prices prices;
  private final Consumer<String> unpriced;
  private final Map<Lease, Bill> bills = new HashMap<>(2);

  /**
   * @param unpriced gets the model of an attempt that has no price, and so costs nothing
   */
  Spending(Prices prices, Consumer<String> unpriced) {
    this.prices = prices;
    this.unpriced = unpriced;
  }

  /** The tokens of an attempt: first those expected, then those of its answer. */
  private record Bill(PriceConfig price, TokenUsage tokens, boolean answered) {}

  /** What the estimate costs. */
  long of(Expected attempt) {
    PriceConfig price = prices.of(attempt.model());
    return price == null ? 0 : price.nanodollars(attempt.tokens());
  }

  /** An attempt begins. */
  void began(Lease attempt, Expected expected) {
    PriceConfig price = prices.of(expected.model());
    if (price == null) {
      unpriced.accept(expected.model());
    } else {
      bills.put(attempt, new Bill(price, expected.tokens(), false));
    }
  }

  /** What a running attempt costs, by the output tokens that it has made. From any thread. */
  LongUnaryOperator running(Lease attempt) {
    Bill bill = bills.get(attempt);
    return made -> bill == null ? 0 : bill.price().nanodollars(bill.tokens().withOutput(made));
  }

  /**
   * An attempt's answer has ended.
   *
   * @param made its output by the bytes of a stream; 0 if unknown
   */
  void answered(Lease attempt, ReportedUsage told, long made) {
    bills.computeIfPresent(
        attempt, (_, bill) -> new Bill(bill.price(), used(bill.tokens(), told, made), true));
  }

  /** What an attempt has used is known. */
  void used(Lease attempt, TokenUsage usage) {
    bills.computeIfPresent(attempt, (_, bill) -> new Bill(bill.price(), usage, true));
  }

  /** An incomplete answer may have cost more output than it reported. */
  private static TokenUsage used(TokenUsage expected, ReportedUsage told, long made) {
    TokenUsage known = told.tokens();
    TokenUsage reported = known == null ? expected.withOutput(0) : known;
    return known != null && told.complete()
        ? reported
        : reported.withOutput(
            Math.max(reported.outputTokens(), made > 0 ? made : expected.outputTokens()));
  }

  /** What an attempt cost that was charged this: nothing if the provider refused it. */
  long cost(Lease attempt, Usage charged) {
    Bill bill = bills.get(attempt);
    boolean refused = charged.inputTokens() == 0 && charged.outputTokens() == 0;
    return bill == null || (refused && !bill.answered())
        ? 0
        : bill.price().nanodollars(bill.tokens());
  }
}
