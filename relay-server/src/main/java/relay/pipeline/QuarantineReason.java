package relay.pipeline;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.Optional;

/**
 * Why Relay quarantined a key, as text for operators in Redis. Some reasons end without an
 * operator.
 */
final class QuarantineReason {
  private static final String REFUSED = "provider answered ";
  private static final String SPENT = "spend limit reached until ";
  private static final String SPEND_LIMIT = "spend_limit";

  private QuarantineReason() {}

  /** The provider refused the key. A probe can end it. */
  static String refused(int status) {
    return REFUSED + status;
  }

  /** The account's monthly spend limit is reached. */
  static String spent(Instant until) {
    return SPENT + until;
  }

  /** The account's prepaid quota is used up: an operator restores it after a payment. */
  static String quota() {
    return "quota used up (insufficient_quota)";
  }

  /** The account may spend no more until somebody raises its limit, or pays. */
  static String spendLimit() {
    return SPEND_LIMIT;
  }

  /** Whether it is {@link #spendLimit}: only a request that costs money can tell its end. */
  static boolean isSpendLimit(String reason) {
    return reason.equals(SPEND_LIMIT);
  }

  /** Whether a probe can end it. */
  static boolean mayBeProbed(String reason) {
    return reason.startsWith(REFUSED);
  }

  /** The time at which it ends by itself. */
  static Optional<Instant> end(String reason) {
    if (!reason.startsWith(SPENT)) {
      return Optional.empty();
    }
    try {
      return Optional.of(Instant.parse(reason.substring(SPENT.length())));
    } catch (DateTimeException e) {
      return Optional.empty(); // written by an operator, who also ends it
    }
  }
}
