package relay.redis;

import java.time.Duration;

/**
 * How to reach Redis, and the behaviour while it is unreachable.
 *
 * @param servers where Redis runs, and how to log in
 * @param prefix first part of every key's name in Redis
 * @param replica this process's id among the replicas that share the pools; empty for an observer,
 *     which does not count as a replica and announces a pool only if Redis does not know it
 * @param timeout time to an answer after which the fallback is used
 * @param fallback what to do without Redis
 * @param lease time to a lease's deadline; live leases are renewed after a third of it
 */
public record EngineOptions(
    RedisServers servers,
    String prefix,
    String replica,
    Duration timeout,
    Fallback fallback,
    Duration lease) {
  /** The default time to a lease's deadline. */
  public static final Duration DEFAULT_LEASE = Duration.ofSeconds(30);

  public EngineOptions {
    Names.check("prefix", prefix);
    if (!replica.isEmpty()) {
      Names.check("replica", replica);
    }
  }

  /**
   * @param url as for {@link RedisServers#of}
   */
  public EngineOptions(
      String url,
      String prefix,
      String replica,
      Duration timeout,
      Fallback fallback,
      Duration lease) {
    this(RedisServers.of(url), prefix, replica, timeout, fallback, lease);
  }

  boolean isObserver() {
    return replica.isEmpty();
  }
}
