package relay.edge;

import io.undertow.util.HttpString;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Names of response headers in Undertow's form. Providers use few dozens: each is made once. */
final class HeaderNames {
  private static final int REMEMBERED = 512;

  private final Map<String, HttpString> known = new ConcurrentHashMap<>();

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
