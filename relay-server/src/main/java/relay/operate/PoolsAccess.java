package relay.operate;

import java.time.Duration;
import relay.config.Config;
import relay.config.RedisUrl;

/** Reads and changes the pools of the replicas that run with a configuration. */
interface PoolsAccess extends AutoCloseable {

  /** The JSON of {@code GET /pools}. */
  String json() throws OperationFailed;

  void cooldown(String pool, String key, Duration duration) throws OperationFailed;

  void quarantine(String pool, String key) throws OperationFailed;

  void restore(String pool, String key) throws OperationFailed;

  @Override
  void close();

  /**
   * Uses Redis if the configuration names one. The port of an embedded Redis is random, so the
   * replica's admin plane is used instead.
   */
  static PoolsAccess of(Config config) throws OperationFailed {
    RedisUrl redis = config.redis().url();
    return redis == null
        ? AdminAccess.withoutRedis(config.server())
        : new RedisAccess(config, redis);
  }
}
