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
