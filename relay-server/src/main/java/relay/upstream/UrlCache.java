package relay.upstream;

import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import okhttp3.HttpUrl;

/**
 * The parsed URLs of a provider, none with a target that HTTP forbids. Clients use few targets, and
 * choose them: so only short ones are kept, and of these the number is bounded. When there is no
 * room, a new one replaces any other: no client can fill the cache for good.
 */
final class UrlCache {
  /** Enough for each endpoint, with a short query such as {@code ?beta=true}. */
  static final int MOST_CHARS = 128;

  static final int MOST = 256;

  private final String base;
  private final Map<String, HttpUrl> urls = new ConcurrentHashMap<>();

  /**
   * @param base what precedes each target
   */
  UrlCache(String base) {
    this.base = base;
  }

  HttpUrl of(String target) {
    if (target.length() > MOST_CHARS) {
      return parsed(target);
    }
    HttpUrl known = urls.get(target);
    return known != null ? known : add(target);
  }

  private HttpUrl add(String target) {
    HttpUrl url = parsed(target);
    urls.put(target, url);
    Iterator<String> any = urls.keySet().iterator();
    while (urls.size() > MOST && any.hasNext()) {
      urls.remove(any.next());
    }
    return url;
  }

  private HttpUrl parsed(String target) {
    HttpUrl url = ExactUrl.of(base + target);
    if (!SentLines.isTarget(url)) {
      throw new IllegalArgumentException("a target that HTTP forbids");
    }
    return url;
  }

  /** How many URLs are kept. */
  int size() {
    return urls.size();
  }

  /** The bytes of the kept targets. */
  int bytes() {
    return urls.keySet().stream().mapToInt(String::length).sum();
  }
}
