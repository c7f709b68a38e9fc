package relay.edge;

import io.undertow.util.HttpString;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Header names in Undertow's form, which holds the hash. Relay reads and providers use a few dozen,
 * so each is made once. Invalid names of providers have no form here: Undertow would write them
 * unchecked.
 */
final class HeaderNames {
  private static final int REMEMBERED = 512;

  private static final Pattern TOKEN = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}");

  private final Map<String, HttpString> known = new ConcurrentHashMap<>();

  /** Null for an invalid name. */
  @Nullable HttpString ofAny(String name) {
    HttpString ready = known.get(name);
    return ready == null && TOKEN.matcher(name).matches() ? of(name) : ready;
  }

  /** A name that Relay itself uses. */
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
