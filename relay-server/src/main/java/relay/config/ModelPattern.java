package relay.config;

import org.jspecify.annotations.Nullable;

/**
 * A pattern for model names, such as {@code claude-opus-*}. {@code *} matches any sequence of
 * characters; every other character matches itself.
 */
public record ModelPattern(String pattern) {

  /**
   * Whether the whole name matches. Backtracks only to the last {@code *}, so it takes at most
   * pattern length x name length steps.
   */
  public boolean matches(String model) {
    int p = 0;
    int star = -1;
    int retry = 0;
    int m = 0;
    while (m < model.length()) {
      if (p < pattern.length() && pattern.charAt(p) == '*') {
        star = p++;
        retry = m;
      } else if (p < pattern.length() && pattern.charAt(p) == model.charAt(m)) {
        p++;
        m++;
      } else if (star >= 0) {
        p = star + 1;
        m = ++retry;
      } else {
        return false;
      }
    }
    while (p < pattern.length() && pattern.charAt(p) == '*') {
      p++;
    }
    return p == pattern.length();
  }

  // Those of a record are generated at each start, which takes milliseconds.

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ModelPattern that && pattern.equals(that.pattern);
  }

  @Override
  public int hashCode() {
    return pattern.hashCode();
  }
}
