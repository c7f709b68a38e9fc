package relay.edge;

import io.undertow.util.HttpString;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Names of response headers in Undertow's form. Providers use few dozens: each is made once. Others
 * than HTTP allows there are none of: Undertow would write them as they are.
 */
final class HeaderNames {
  private static final int REMEMBERED = 512;

  private static final Pattern TOKEN = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}");

  private final Map<String, HttpString> known = new ConcurrentHashMap<>();

  /** Null if no header can have it. */
  @Nullable HttpString ofAny(String name) {
    HttpString ready = known.get(name);
    return ready == null && TOKEN.matcher(name).matches() ? of(name) : ready;
  }

  /** The form of a name of Relay's own. */
  HttpString of(String name) {
    HttpString ready = known.get(name);
    if (ready == null) {
      ready = new HttpString(name);
      if (known.size() < REMEMBERED) {
        known.put(name, ready);
      }
    }
    return ready;
  }
}
