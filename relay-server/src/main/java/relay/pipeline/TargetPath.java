package relay.pipeline;

import java.util.Locale;
import java.util.regex.Pattern;

/** Judges the path of a request that passes unread: its meaning must be that of its text. */
final class TargetPath {
  private static final Pattern DOTS = Pattern.compile("\\.{1,2}(;.*)?");

  private TargetPath() {}

  /** The target without its query. */
  static String of(String target) {
    int query = target.indexOf('?');
    return query < 0 ? target : target.substring(0, query);
  }

  /**
   * False for a path that a URL's reader may take for another one, so that it leaves {@code /v1/}:
   * with segments of dots, plain or escaped, be it between escaped slashes or before parameters, or
   * with characters that separate what they should not.
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
