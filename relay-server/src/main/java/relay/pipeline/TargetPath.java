package relay.pipeline;

import java.util.Locale;
import java.util.regex.Pattern;

/** Checks the path of an unparsed request: every parser must read it in the same way. */
final class TargetPath {
  private static final Pattern DOTS = Pattern.compile("\\.{1,2}(;.*)?");

  private TargetPath() {}

  /** The target without its query. */
  static String of(String target) {
    int query = target.indexOf('?');
    return query < 0 ? target : target.substring(0, query);
  }

  /**
   * False for a path that another URL parser may resolve to one outside of {@code /v1/}: with dot
   * segments, plain or escaped, between escaped slashes or before parameters, or with characters
   * that some parsers take as separators.
   *
   * @param target path and query
   */
  static boolean isPlain(String target) {
    String path = of(target);
    if (path.indexOf('\\') >= 0 || target.indexOf('#') >= 0) {
      return false;
    }
    String read =
        path.toLowerCase(Locale.ROOT).replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
    for (String segment : read.split("/", -1)) {
      if (DOTS.matcher(segment).matches()) {
        return false;
      }
    }
    return true;
  }
}
