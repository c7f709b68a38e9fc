package relay.request;

import java.util.Set;

/** The quota that a request names, if it is another one than its account's own. */
final class OtherQuota {
  /** Longer names are ignored. */
  static final int MAX_BYTES = 32;

  private static final String FAST = "fast";

  /**
   * Service tiers with a quota of their own. Any other name counts in the account's own: a client
   * must not get further quotas by names that the provider ignores.
   */
  private static final Set<String> TIERS = Set.of("batch", "flex", "priority", "scale");

  private OtherQuota() {}

  /**
   * By a further member of the request.
   *
   * @param before by the members so far; the fast mode has a quota of its own at any tier
   */
  static String of(Name member, String value, String before) {
    if (member == Name.SPEED) {
      return value.equals(FAST) ? FAST : before;
    }
    return TIERS.contains(value) && !before.equals(FAST) ? value : before;
  }
}
