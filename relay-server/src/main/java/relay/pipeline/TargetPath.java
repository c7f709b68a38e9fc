package relay.pipeline;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import relay.model.Dialect;
import relay.model.Endpoint;

/**
 * Checks the path of an unparsed request. Every parser must read it in the same way, and no
 * provider may read it as an endpoint whose requests are counted.
 */
final class TargetPath {
  /** Characters that a path needs no escape for, besides letters and digits. */
  private static final String PLAIN = "-._~!$&'()*+,=:@";

  /** Characters that some parsers take as separators, or resolve, once they have unescaped them. */
  private static final String NEVER_ESCAPED = "/\\%;?#.";

  private static final String NOT_CANONICAL =
      "a path that passes unparsed must be canonical: no empty segment, no . or .. segment, no"
          + " slash at the end, no ; and no escape such as %6d where none is needed";

  /** Operations that use tokens like a counted endpoint, but that Relay cannot count. */
  private static final List<String> GENERATES =
      List.of("/completions", "/v1/complete", "/responses/compact");

  private static final String UNCOUNTABLE =
      "a provider takes this path for a generation, which would not be counted: use"
          + " /v1/messages, /v1/chat/completions or /v1/responses";

  private static final Pattern ENDS_WORK = Pattern.compile("/cancel/?(\\?|$)");

  private TargetPath() {}

  /** What ends work, and what only reads, costs nothing. */
  static boolean mayCost(String method, String target) {
    return method.equals("POST") && !ENDS_WORK.matcher(target).find();
  }

  /** The target without its query. */
  static String of(String target) {
    int query = target.indexOf('?');
    return query < 0 ? target : target.substring(0, query);
  }

  /**
   * Why a target may not pass; null if it may.
   *
   * @param target path and query
   * @param dialect of the provider
   */
  static @Nullable String fault(String target, Dialect dialect) {
    String path = of(target);
    if (target.indexOf('#') >= 0 || !isCanonical(path)) {
      return NOT_CANONICAL;
    }
    String lower = path.toLowerCase(Locale.ROOT); // some providers ignore case
    for (Endpoint endpoint : Endpoint.values()) {
      if (mayBe(lower, endpoint, dialect)) {
        return "a provider may read this path as %s, whose requests are counted: send it there"
            .formatted(endpoint.path());
      }
    }
    return GENERATES.stream().anyMatch(lower::endsWith) ? UNCOUNTABLE : null;
  }

  /**
   * Azure's paths, and those of engines, have the model before the operation. Threads and batches
   * have messages of their own: only Anthropic's are counted.
   */
  private static boolean mayBe(String path, Endpoint endpoint, Dialect dialect) {
    String operation = endpoint.path().substring("/v1".length());
    return endpoint.counted()
        && (path.equals(endpoint.path())
            || ((endpoint != Endpoint.MESSAGES || dialect == Dialect.ANTHROPIC)
                && path.endsWith(operation)));
  }

  private static boolean isCanonical(String path) {
    for (String segment : path.substring(1).split("/", -1)) {
      if (segment.isEmpty() || segment.equals(".") || segment.equals("..") || !isPlain(segment)) {
        return false;
      }
    }
    return true;
  }

  private static boolean isPlain(String segment) {
    for (int n = 0; n < segment.length(); n++) {
      char c = segment.charAt(n);
      if (c == '%') {
        if (n + 2 >= segment.length() || !mayBeEscaped(segment.substring(n + 1, n + 3))) {
          return false;
        }
        n += 2;
      } else if (!isPlain(c)) {
        return false;
      }
    }
    return true;
  }

  private static boolean isPlain(char c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || PLAIN.indexOf(c) >= 0;
  }

  private static boolean mayBeEscaped(String digits) {
    if (Character.digit(digits.charAt(0), 16) < 0 || Character.digit(digits.charAt(1), 16) < 0) {
      return false;
    }
    char c = (char) Integer.parseInt(digits, 16);
    return c >= ' ' && c != 0x7f && !isPlain(c) && NEVER_ESCAPED.indexOf(c) < 0;
  }
}
