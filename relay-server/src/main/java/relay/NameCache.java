package relay;

import java.security.Security;
import org.jspecify.annotations.Nullable;

/**
 * How long the JVM keeps the addresses of a host name. Some installations keep them for ever: then
 * a provider that moves would be lost until a restart.
 */
final class NameCache {
  static final String PROPERTY = "networkaddress.cache.ttl";
  static final int MOST_SECONDS = 30;

  private NameCache() {}

  /** Before the first lookup: at most half a minute, or less if the JVM's settings say so. */
  static void bound() {
    String stated = Security.getProperty(PROPERTY);
    Integer seconds = stated == null ? Integer.getInteger("sun.net.inetaddr.ttl") : parse(stated);
    if (seconds == null || seconds < 0 || seconds > MOST_SECONDS) {
      Security.setProperty(PROPERTY, Integer.toString(MOST_SECONDS));
    }
  }

  private static @Nullable Integer parse(String seconds) {
    try {
      return Integer.valueOf(seconds);
    } catch (NumberFormatException e) {
      return null;
    }
  }
}
