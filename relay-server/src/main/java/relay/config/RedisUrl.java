package relay.config;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * {@code redis://[[user]:password@]host[:port][/database]}, {@code rediss://} for TLS, or {@code
 * redis-sentinel://host:port,host:port/database#master}. A Cluster's seeds are separated by commas.
 *
 * @param tls whether the scheme asks for TLS
 * @param servers at least one
 * @param master the name that the sentinels know; null = the servers are no sentinels
 * @param username null = the default user
 * @param password null = none
 */
public record RedisUrl(
    boolean tls,
    List<Server> servers,
    @Nullable String master,
    int database,
    @Nullable String username,
    @Nullable Secret password) {

  /**
   * A server's address.
   *
   * @param host an IP address without brackets, or a host name
   */
  public record Server(String host, int port) {
    @Override
    public String toString() {
      return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }
  }

  /** What is allowed. */
  public static final String FORMS =
      "redis://[user:password@]host[:port][/database], rediss:// for TLS, or"
          + " redis-sentinel://host:port,host:port/database#master";

  private static final String HOST =
      "(?:\\[(?<ipv6>[0-9a-fA-F:.]+)]|(?<host>[^@:/?#\\[\\],]+))(?::(?<port>[0-9]{1,5}))?";

  // The last @ ends the credentials: a password from an environment variable may contain : / @
  // without percent-encoding.
  private static final Pattern URL =
      Pattern.compile(
          "(?<scheme>rediss?|redis-sentinel)://((?<user>.*)@)?(?<servers>[^@/?#]+)"
              + "(/(?<database>[0-9]{1,6})?)?(#(?<master>[A-Za-z0-9._-]{1,64}))?",
          Pattern.DOTALL);
  private static final Pattern SERVER = Pattern.compile(HOST);
  private static final int DEFAULT_PORT = 6379;
  private static final int SENTINEL_PORT = 26_379;
  private static final int MAX_SERVERS = 100;

  public RedisUrl {
    servers = List.copyOf(servers);
  }

  /** Null if the text is not a Redis URL. */
  static @Nullable RedisUrl parse(String text) {
    Matcher url = URL.matcher(text);
    if (!url.matches()) {
      return null;
    }
    String scheme = url.group("scheme");
    String master = url.group("master");
    if (scheme.equals("redis-sentinel") != (master != null)) {
      return null;
    }
    List<Server> servers =
        servers(url.group("servers"), master == null ? DEFAULT_PORT : SENTINEL_PORT);
    if (servers == null) {
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
        scheme.equals("rediss"),
        servers,
        master,
        database == null ? 0 : Integer.parseInt(database),
        user,
        password == null || password.isEmpty() ? null : new Secret(password));
  }

  private static @Nullable List<Server> servers(String text, int defaultPort) {
    List<Server> servers = new ArrayList<>();
    for (String one : text.split(",", -1)) {
      Matcher server = SERVER.matcher(one);
      if (!server.matches() || servers.size() == MAX_SERVERS) {
        return null;
      }
      String ipv6 = server.group("ipv6");
      String host = ipv6 != null ? ipv6 : server.group("host");
      String stated = server.group("port");
      int port = stated == null ? defaultPort : Integer.parseInt(stated);
      boolean hostIsGood =
          ipv6 != null ? ListenAddress.literal(host) != null : ListenAddress.isHost(host);
      if (!hostIsGood || port < 1 || port > 65_535) {
        return null;
      }
      servers.add(new Server(host, port));
    }
    return servers;
  }

  /** {@code host:port}, separated by commas, for messages. */
  public String addresses() {
    return servers.stream().map(Server::toString).collect(Collectors.joining(","));
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
