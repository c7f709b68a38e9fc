package relay.config;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The Redis that all replicas share.
 *
 * @param url null = Relay starts an embedded Redis
 * @param prefix the prefix of every Redis key
 * @param timeout for one command
 * @param onUnavailable the replica's behaviour while Redis is unavailable
 */
public record RedisConfig(
    @Nullable RedisUrl url, String prefix, Duration timeout, OnUnavailable onUnavailable) {

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
