package relay.request;

import java.util.Set;
import java.util.regex.Pattern;

/** The quota that a request names, if it is another one than its account's own. */
final class OtherQuota {
  /** Longer names are ignored. */
  static final int MAX_BYTES = 32;

  private static final String FAST = "fast";

  /** Service tiers that use the account's own quota. */
  private static final Set<String> OWN = Set.of("default", "auto", "standard", "standard_only");

  private static final Pattern NAME = Pattern.compile("[a-z0-9_-]+");

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
    boolean other = !OWN.contains(value) && NAME.matcher(value).matches();
    return other && !before.equals(FAST) ? value : before;
  }
}
