package relay.operate;

import java.time.Duration;
import relay.config.Config;
import relay.config.RedisUrl;

/** Reads and changes the pools of the replicas that run with a configuration. */
interface PoolsAccess extends AutoCloseable {

  /** The JSON of {@code GET /pools}. */
  String json() throws OperationFailed;

  void cooldown(String pool, String key, Duration duration) throws OperationFailed;

  /**
   * Takes a key out of use.
   *
   * @param words why, as {@link relay.pool.QuarantineReason#byOperator} allows it
   */
  void quarantine(String pool, String key, String words) throws OperationFailed;

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
        : RedisAccess.of(config, redis);
  }
}
