package relay.pipeline;

import java.util.Locale;

/** Judges the path of a request that passes unread: its meaning must be that of its text. */
final class TargetPath {
  private TargetPath() {}

  /** The target without its query. */
  static String of(String target) {
    int query = target.indexOf('?');
    return query < 0 ? target : target.substring(0, query);
  }

  /**
   * False for a path that a URL's reader may take for another one, so that it leaves {@code /v1/}:
   * with segments of dots, plain or escaped, or characters that separate what they should not.
   *
   * @param target path and query
   */
  static boolean isPlain(String target) {
    String path = of(target);
    if (path.indexOf('\\') >= 0 || target.indexOf('#') >= 0) {
      return false;
    }
    for (String segment : path.split("/", -1)) {
      String dots = segment.toLowerCase(Locale.ROOT).replace("%2e", ".");
      if (dots.equals(".") || dots.equals("..")) {
        return false;
      }
    }
    return true;
  }
}
