package relay.config;

import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/**
 * An address to listen on.
 *
 * @param host an IP address without brackets, or a host name
 * @param port 0 = any free port
 */
public record ListenAddress(String host, int port) {
  private static final int MAX_PORT = 65_535;

  public ListenAddress {
    if (port < 0 || port > MAX_PORT) {
      throw new IllegalArgumentException("a port must be in 0.." + MAX_PORT);
    }
  }

  /**
   * Whether only this machine can reach the address. A host name other than {@code localhost}
   * counts as reachable from outside: it is not resolved, because the result may change.
   */
  public boolean isLoopback() {
    InetAddress address = literal(host);
    return address == null ? host.equalsIgnoreCase("localhost") : address.isLoopbackAddress();
  }

  /** Whether binding both addresses would fail. Port 0 never collides. */
  boolean collidesWith(ListenAddress other) {
    return port != 0
        && port == other.port
        && (host.equalsIgnoreCase(other.host)
            || isWildcard()
            || other.isWildcard()
            || (isLoopback() && other.isLoopback() && (isName() || other.isName())));
  }

  private boolean isName() {
    return literal(host) == null;
  }

  private boolean isWildcard() {
    InetAddress address = literal(host);
    return address != null && address.isAnyLocalAddress();
  }

  /** Parses {@code host:port} or {@code [ipv6]:port}; null for anything else. */
  static @Nullable ListenAddress parse(String text) {
    int colon = text.lastIndexOf(':');
    if (colon <= 0 || !text.substring(colon + 1).matches("[0-9]{1,5}")) {
      return null;
    }
    int port = Integer.parseInt(text.substring(colon + 1));
    String host = text.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
      if (!host.contains(":") || literal(host) == null) {
        return null;
      }
    } else if (!isHost(host)) {
      return null;
    }
    return port > MAX_PORT ? null : new ListenAddress(host, port);
  }

  /**
   * Whether the text is a host name or an IPv4 address. Digits and dots alone must form a complete
   * IPv4 address.
   */
  static boolean isHost(String host) {
    if (host.matches("[0-9.]+")) {
      return host.matches("[0-9]+(\\.[0-9]+){3}") && literal(host) != null;
    }
    return host.length() <= 253
        && host.matches("[A-Za-z0-9_]([A-Za-z0-9_-]*)(\\.[A-Za-z0-9_][A-Za-z0-9_-]*)*");
  }

  static @Nullable InetAddress literal(String host) {
    if (host.contains("%") || !host.matches("[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")) {
      return null;
    }
    try {
      return InetAddress.ofLiteral(host);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** The form used in URLs: IPv6 addresses in brackets. */
  @Override
  public String toString() {
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
  }
}
