package relay.redis.walk;

import org.jspecify.annotations.Nullable;

/** An event of a pool in a {@link Trace}. */
sealed interface Move {

  /**
   * A call at a time.
   *
   * @param under the configuration known to its caller; null for the first configuration
   */
  record Call(Step step, Clock clock, Step.@Nullable Configure under) implements Move {}

  /** Redis loses all data. */
  record Flush() implements Move {}
}
