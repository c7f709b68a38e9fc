package relay.config;

/**
 * Names of models, with {@code *} for any run of characters: {@code claude-opus-*}. Every other
 * character stands for itself.
 */
public record ModelPattern(String pattern) {

  /** Whether the whole name fits. Takes pattern x name steps at most; never backtracks further. */
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
}
