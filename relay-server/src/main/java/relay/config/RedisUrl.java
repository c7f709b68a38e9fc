package relay.config;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * {@code redis://[[user]:password@]host[:port][/database]}, or {@code rediss://} for TLS.
 *
 * @param host an IP address without brackets, or a host name
 * @param username null = the default user
 * @param password null = none
 */
public record RedisUrl(
    boolean tls,
    String host,
    int port,
    int database,
    @Nullable String username,
    @Nullable Secret password) {

  static final String FORMS =
      "redis://[user:password@]host[:port][/database], or rediss:// for TLS";

  // The last @ ends the credentials: a password from an environment variable may contain : / @
  // without percent-encoding.
  private static final Pattern URL =
      Pattern.compile(
          "(?<scheme>rediss?)://((?<user>.*)@)?(\\[(?<ipv6>[0-9a-fA-F:.]+)]|(?<host>[^@:/?#\\[\\]]+))"
              + "(:(?<port>[0-9]{1,5}))?(/(?<database>[0-9]{1,6})?)?",
          Pattern.DOTALL);
  private static final int DEFAULT_PORT = 6379;

  /** Null if the text is not a Redis URL. */
  static @Nullable RedisUrl parse(String text) {
    Matcher url = URL.matcher(text);
    if (!url.matches()) {
      return null;
    }
    String host = url.group("ipv6") != null ? url.group("ipv6") : url.group("host");
    int port = url.group("port") == null ? DEFAULT_PORT : Integer.parseInt(url.group("port"));
    boolean hostIsGood =
        url.group("ipv6") != null
            ? ListenAddress.literal(host) != null
            : ListenAddress.isHost(host);
    if (!hostIsGood || port < 1 || port > 65_535) {
      return null;
    }
    String database = url.group("database");
    String credentials = url.group("user");
    String user = null;
    String password = null;
    if (credentials != null && !credentials.isEmpty()) {
      int colon = credentials.indexOf(':');
      user = colon > 0 ? decode(credentials.substring(0, colon)) : null;
      password = decode(credentials.substring(colon + 1));
    }
    return new RedisUrl(
        url.group("scheme").equals("rediss"),
        host,
        port,
        database == null ? 0 : Integer.parseInt(database),
        user,
        password == null || password.isEmpty() ? null : new Secret(password));
  }

  /** Percent-decodes a text; malformed escapes leave it unchanged. */
  private static String decode(String text) {
    try {
      return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return text;
    }
  }
}
