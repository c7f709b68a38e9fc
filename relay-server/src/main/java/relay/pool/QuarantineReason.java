package relay.pool;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Why a key is quarantined, as text for operators in Redis. Some reasons end without an operator.
 */
public final class QuarantineReason {
  private static final String REFUSED = "provider answered ";
  private static final String SPENT = "spend limit reached until ";
  private static final String SPEND_LIMIT = "spend_limit";

  /** An operator's, without words of their own. Also of an operator's cooldown. */
  static final String OPERATOR = "operator";

  /** What an operator may say. */
  public static final String ALLOWED = "at most 200 characters, without line breaks and such";

  private static final Pattern TEXT = Pattern.compile("[^\\p{C}\\p{Zl}\\p{Zp}]{0,200}");

  private QuarantineReason() {}

  /**
   * An operator's, which no probe ends.
   *
   * @param text may be blank
   * @return empty if it is not {@link #ALLOWED}
   */
  public static Optional<String> byOperator(String text) {
    if (!TEXT.matcher(text).matches()) {
      return Optional.empty();
    }
    return Optional.of(text.isBlank() ? OPERATOR : OPERATOR + ": " + text.strip());
  }

  /** The provider refused the key. A probe can end it. */
  public static String refused(int status) {
    return REFUSED + status;
  }

  /** The account's monthly spend limit is reached. */
  public static String spent(Instant until) {
    return SPENT + until;
  }

  /** The account's prepaid quota is used up: an operator restores it after a payment. */
  public static String quota() {
    return "quota used up (insufficient_quota)";
  }

  /** The account may spend no more until its limit is raised or paid. */
  public static String spendLimit() {
    return SPEND_LIMIT;
  }

  /** Whether it is {@link #spendLimit}: only a request that costs money can tell its end. */
  public static boolean isSpendLimit(String reason) {
    return reason.equals(SPEND_LIMIT);
  }

  /** Whether a probe can end it. */
  public static boolean mayBeProbed(String reason) {
    return reason.startsWith(REFUSED);
  }

  /** The time at which it ends by itself. */
  public static Optional<Instant> end(String reason) {
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
