package relay.operate;

import java.time.Duration;
import relay.config.Config;
import relay.config.RedisUrl;

/** A way to the pools of the replicas that run with a configuration. */
interface PoolsAccess extends AutoCloseable {

  /** As {@code GET /pools} gives it. */
  String json() throws OperationFailed;

  void cooldown(String pool, String key, Duration duration) throws OperationFailed;

  void quarantine(String pool, String key) throws OperationFailed;

  void restore(String pool, String key) throws OperationFailed;

  @Override
  void close();

  /**
   * Through Redis where the configuration names one. An embedded Redis has a port that nobody knows
   * beforehand, so there the replica's admin plane is asked.
   */
  static PoolsAccess of(Config config) throws OperationFailed {
    RedisUrl redis = config.redis().url();
    return redis == null ? AdminAccess.to(config.server()) : new RedisAccess(config, redis);
  }
}
