package relay.redis.model;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** Checks names that become parts of Redis keys, hash fields and space-separated lists. */
public final class Names {
  private static final Pattern ALLOWED = Pattern.compile("[^\\s{}\\p{Cntrl}]{1,200}");
  private static final int FEW = 3;

  private Names() {}

  /** Whether it is 1 to 200 characters long, without spaces and braces. */
  public static boolean isGood(String name) {
    return ALLOWED.matcher(name).matches();
  }

  /**
   * Refuses a name that is not good.
   *
   * @param what it names, for the message
   */
  public static void check(String what, String name) {
    if (!isGood(name)) {
      throw new IllegalArgumentException(
          what + " '" + name + "': 1 to 200 characters without spaces and braces are allowed");
    }
  }

  /** A list for a message: {@code a, b, c and 9,997 more}. */
  public static String few(List<String> names) {
    return names.size() <= FEW + 1
        ? String.join(", ", names)
        : String.format(
            Locale.ROOT,
            "%s and %,d more",
            String.join(", ", names.subList(0, FEW)),
            names.size() - FEW);
  }
}
