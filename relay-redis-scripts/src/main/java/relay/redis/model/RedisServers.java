package relay.redis.model;

import io.lettuce.core.RedisCredentials;
import io.lettuce.core.RedisCredentialsProvider;
import io.lettuce.core.RedisURI;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Where Redis runs, and how to log in.
 *
 * @param topology what the addresses are
 * @param addresses host names or IP addresses with ports, not resolved; at least one
 * @param master the name by which the sentinels know the master; otherwise empty
 * @param database the database's number; 0 in a Cluster
 * @param login how to authenticate; the sentinels get the same
 * @param tls null = plain TCP
 */
public record RedisServers(
    Topology topology,
    List<InetSocketAddress> addresses,
    String master,
    int database,
    Login login,
    @Nullable Tls tls) {

  /** The form of a Redis installation. */
  public enum Topology {
    /** One server. */
    STANDALONE,
    /** One master that sentinels name; the addresses are the sentinels'. */
    SENTINEL,
    /** Redis Cluster; the addresses are those of some nodes. */
    CLUSTER
  }

  /**
   * User and password.
   *
   * @param user null = the default user
   * @param password null = none
   * @param passwordFile holds the password instead, and is read again when it changes; null = none
   */
  public record Login(
      @Nullable String user, @Nullable String password, @Nullable Path passwordFile) {
    /** No authentication. */
    public static final Login NONE = new Login(null, null, null);

    /** Without the password. */
    @Override
    public String toString() {
      return "Login[" + user + "]";
    }
  }

  /**
   * TLS with a private CA or a client certificate.
   *
   * @param authorities certificates that sign the servers'; empty = the JVM's
   * @param chain the client's certificate and its intermediate certificates; empty = none
   * @param privateKey the key of the client's certificate; null = none
   */
  public record Tls(
      List<X509Certificate> authorities,
      List<X509Certificate> chain,
      @Nullable PrivateKey privateKey) {
    /** The JVM's certificates, and no client certificate. */
    public static final Tls DEFAULT = new Tls(List.of(), List.of(), null);

    public Tls {
      authorities = List.copyOf(authorities);
      chain = List.copyOf(chain);
    }

    /** Without the key. */
    @Override
    public String toString() {
      return "Tls";
    }
  }

  public RedisServers {
    addresses = List.copyOf(addresses);
    if (addresses.isEmpty()) {
      throw new IllegalArgumentException("no address of Redis");
    }
  }

  /**
   * The servers of a URL.
   *
   * @param url {@code redis://[[user]:password@]host[:port][/database]}, {@code rediss://} for TLS,
   *     or {@code redis-sentinel://[…@]host:port,host:port/database#master}
   */
  public static RedisServers of(String url) {
    RedisURI uri = uri(url);
    Login login = login(uri.getCredentialsProvider());
    Tls tls = uri.isSsl() ? Tls.DEFAULT : null;
    String master = uri.getSentinelMasterId();
    if (master == null) {
      return new RedisServers(
          Topology.STANDALONE, List.of(address(uri)), "", uri.getDatabase(), login, tls);
    }
    List<InetSocketAddress> sentinels =
        uri.getSentinels().stream().map(RedisServers::address).toList();
    return new RedisServers(Topology.SENTINEL, sentinels, master, uri.getDatabase(), login, tls);
  }

  /** The same addresses, as nodes of a Cluster. */
  public RedisServers asCluster() {
    return new RedisServers(Topology.CLUSTER, addresses, "", 0, login, tls);
  }

  /** An address that is resolved at each connect. */
  public static InetSocketAddress address(String host, int port) {
    return InetSocketAddress.createUnresolved(host, port);
  }

  private static InetSocketAddress address(RedisURI uri) {
    String host = uri.getHost();
    boolean ipv6 = host.startsWith("[") && host.endsWith("]");
    return address(ipv6 ? host.substring(1, host.length() - 1) : host, uri.getPort());
  }

  /** {@code host:port}. */
  public static String shown(InetSocketAddress address) {
    String host = address.getHostString();
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
  }

  /** The addresses, for messages. */
  public String shown() {
    return addresses.stream().map(RedisServers::shown).collect(Collectors.joining(","));
  }

  /**
   * The JDK accepts no underscore in a host name, but Docker uses them. For such a URL Lettuce
   * takes the port for a part of the host name and uses the default port.
   */
  private static RedisURI uri(String url) {
    RedisURI uri = RedisURI.create(url);
    String host = uri.getHost();
    if (host != null && host.matches("[^:]+:[0-9]{1,5}")) {
      int colon = host.indexOf(':');
      uri.setHost(host.substring(0, colon));
      uri.setPort(Integer.parseInt(host.substring(colon + 1)));
    }
    return uri;
  }

  private static Login login(@Nullable RedisCredentialsProvider provider) {
    RedisCredentials stated =
        provider == null ? null : provider.resolveCredentials().toFuture().join();
    return stated != null && stated.hasPassword()
        ? new Login(
            stated.hasUsername() ? stated.getUsername() : null,
            new String(stated.getPassword()),
            null)
        : Login.NONE;
  }
}
