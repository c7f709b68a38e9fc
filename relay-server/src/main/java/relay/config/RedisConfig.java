package relay.config;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The store that the replicas share.
 *
 * @param url null = Relay starts a Redis of its own
 * @param prefix the start of every Redis key
 * @param timeout of one command
 * @param onUnavailable what a replica does while Redis does not answer
 */
public record RedisConfig(
    @Nullable RedisUrl url, String prefix, Duration timeout, OnUnavailable onUnavailable) {

  /** What a replica does while Redis does not answer. */
  public enum OnUnavailable {
    /** Uses its share of the limits, by the number of replicas last seen. */
    FAIR_SHARE,
    /** Refuses requests. */
    CLOSED,
    /** Forwards without accounting. */
    OPEN
  }
}
