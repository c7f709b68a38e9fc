package relay.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The Redis that all replicas share.
 *
 * @param url null = Relay starts an embedded Redis
 * @param cluster whether the URL's servers are nodes of a Redis Cluster
 * @param prefix the prefix of every Redis key
 * @param tls null = the JVM's certificates if the URL asks for TLS, else plain TCP
 * @param username the user of {@code passwordFile}; null = the default user
 * @param passwordFile holds the password, and may change at any time; null = the URL has it
 * @param timeout for one command
 * @param onUnavailable the replica's behaviour while Redis is unavailable
 * @param replicas of the whole fleet, for a start without Redis; 0 = unknown
 * @param folder keeps the fleet's last known size; null = nothing is kept
 */
public record RedisConfig(
    @Nullable RedisUrl url,
    boolean cluster,
    String prefix,
    @Nullable OutboundTls tls,
    @Nullable String username,
    @Nullable Path passwordFile,
    Duration timeout,
    OnUnavailable onUnavailable,
    int replicas,
    @Nullable Path folder) {

  /**
   * The Redis at a URL, with the usual settings. Several servers are nodes of a Cluster.
   *
   * @param prefix null for the usual one
   * @return empty if the URL or the prefix is none
   */
  public static Optional<RedisConfig> at(String url, @Nullable String prefix) {
    RedisUrl parsed = RedisUrl.parse(url);
    if (parsed == null || (prefix != null && !TextSettings.PREFIX.matcher(prefix).matches())) {
      return Optional.empty();
    }
    return Optional.of(
        new RedisConfig(
            parsed,
            parsed.master() == null && parsed.servers().size() > 1,
            prefix == null ? RedisSection.DEFAULT_PREFIX : prefix,
            null,
            null,
            null,
            Duration.ofMillis(RedisSection.DEFAULT_TIMEOUT_MS),
            OnUnavailable.FAIR_SHARE,
            0,
            null));
  }

  /** The replica's behaviour while Redis is unavailable. */
  public enum OnUnavailable {
    /** Admits requests up to the limits divided by the last known number of replicas. */
    FAIR_SHARE,
    /** Refuses requests. */
    CLOSED,
    /** Forwards without accounting. */
    OPEN
  }
}
