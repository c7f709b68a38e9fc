package relay.redis;

import java.time.Duration;

/**
 * How to reach Redis, and what to do when it cannot be reached.
 *
 * @param url a {@code redis://} or {@code rediss://} URL
 * @param prefix first part of every key's name in Redis
 * @param replica this process's id among those that share the pools; empty for an onlooker, which
 *     does not count as a replica and tells Redis a pool's shape only if Redis knows none
 * @param timeout how long an answer may take before the fallback is used
 * @param fallback what to do without Redis
 * @param lease time to a lease's deadline; live ones are renewed at a third of it
 */
public record EngineOptions(
    String url,
    String prefix,
    String replica,
    Duration timeout,
    Fallback fallback,
    Duration lease) {
  /** A lease's usual time. */
  public static final Duration DEFAULT_LEASE = Duration.ofSeconds(30);

  public EngineOptions {
    Names.check("prefix", prefix);
    if (!replica.isEmpty()) {
      Names.check("replica", replica);
    }
  }

  boolean isOnlooker() {
    return replica.isEmpty();
  }
}
