package relay.redis;

import java.util.regex.Pattern;

/** Names that go into Redis keys, hash fields and lists that are split at spaces. */
final class Names {
  private static final Pattern ALLOWED = Pattern.compile("[^\\s{}\\p{Cntrl}]{1,200}");

  private Names() {}

  static void check(String what, String name) {
    if (!ALLOWED.matcher(name).matches()) {
      throw new IllegalArgumentException(
          what + " '" + name + "': 1 to 200 characters without spaces and braces are allowed");
    }
  }
}
