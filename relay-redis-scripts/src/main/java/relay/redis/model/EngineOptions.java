package relay.redis.model;

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
 * @param replicas how many replicas share the pools, for a start without Redis: each takes that
 *     part of the share until Redis has answered once. 0 if it is unknown: a sixteenth
 */
public record EngineOptions(
    RedisServers servers,
    String prefix,
    String replica,
    Duration timeout,
    Fallback fallback,
    Duration lease,
    int replicas) {
  /** The number of replicas that is assumed if none is known. */
  static final int UNKNOWN_REPLICAS = 16;

  /** The default time to a lease's deadline. */
  public static final Duration DEFAULT_LEASE = Duration.ofSeconds(30);

  public EngineOptions {
    Names.check("prefix", prefix);
    if (!replica.isEmpty()) {
      Names.check("replica", replica);
    }
    if (replicas < 0) {
      throw new IllegalArgumentException("replicas: " + replicas);
    }
  }

  /** The number of replicas is unknown. */
  public EngineOptions(
      RedisServers servers,
      String prefix,
      String replica,
      Duration timeout,
      Fallback fallback,
      Duration lease) {
    this(servers, prefix, replica, timeout, fallback, lease, 0);
  }

  /**
   * As the constructor without a number of replicas.
   *
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

  /** The same with a known number of replicas; 0 if it is unknown. */
  public EngineOptions among(int replicas) {
    return new EngineOptions(servers, prefix, replica, timeout, fallback, lease, replicas);
  }

  /** The replicas among which limits are divided before Redis has answered once. */
  public int assumedReplicas() {
    return replicas == 0 ? UNKNOWN_REPLICAS : replicas;
  }

  /** Whether it only reads: it has no id, and grants nothing. */
  public boolean isObserver() {
    return replica.isEmpty();
  }
}
