package relay.config;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP proxy that tunnels connections: {@code http://[user:password@]host[:port]}.
 *
 * @param host an IP address without brackets, or a host name
 * @param credentials {@code user:password}; null = none
 */
public record ProxyUrl(String host, int port, @Nullable Secret credentials) {
  static final String FORM = "http://[user:password@]host[:port], or none to connect directly";
  private static final int DEFAULT_PORT = 80;

  /** Null if the text is not a proxy's URL. */
  static @Nullable ProxyUrl parse(String text) {
    URI url;
    try {
      url = new URI(text.endsWith("/") ? text.substring(0, text.length() - 1) : text);
    } catch (URISyntaxException e) {
      return null; // its message would repeat the password
    }
    String host = url.getHost();
    int port = url.getPort() < 0 ? DEFAULT_PORT : url.getPort();
    String user = url.getRawUserInfo();
    boolean plain =
        "http".equalsIgnoreCase(url.getScheme())
            && String.valueOf(url.getRawPath()).isEmpty()
            && url.getRawQuery() == null
            && url.getRawFragment() == null;
    if (!plain || host == null || port < 1 || port > 65_535) {
      return null;
    }
    String credentials = user == null || user.isEmpty() ? null : decode(user);
    if (credentials != null && credentials.chars().anyMatch(Character::isISOControl)) {
      return null;
    }
    return new ProxyUrl(
        host.startsWith("[") ? host.substring(1, host.length() - 1) : host,
        port,
        credentials == null
            ? null
            : new Secret(credentials.contains(":") ? credentials : credentials + ":"));
  }

  private static String decode(String text) {
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }
}
