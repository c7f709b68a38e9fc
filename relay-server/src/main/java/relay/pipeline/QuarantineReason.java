package relay.pipeline;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.Optional;

/**
 * Why Relay itself put a key out of use, in the words that operators read in Redis, and what of it
 * ends without them.
 */
final class QuarantineReason {
  private static final String REFUSED = "provider answered ";
  private static final String SPENT = "spend limit reached until ";

  private QuarantineReason() {}

  /** The provider refused the key: whether it still does can be asked. */
  static String refused(int status) {
    return REFUSED + status;
  }

  /** The month's money is spent. */
  static String spent(Instant until) {
    return SPENT + until;
  }

  /** The account's quota is used up: only someone who pays can end it, so an operator restores. */
  static String quota() {
    return "quota used up (insufficient_quota)";
  }

  /** Whether a probe can end it. */
  static boolean mayBeProbed(String reason) {
    return reason.startsWith(REFUSED);
  }

  /** When it ends by itself. */
  static Optional<Instant> end(String reason) {
    if (!reason.startsWith(SPENT)) {
      return Optional.empty();
    }
    try {
      return Optional.of(Instant.parse(reason.substring(SPENT.length())));
    } catch (DateTimeException e) {
      return Optional.empty(); // written by hand: it is the operator's to end
    }
  }
}
