package relay.redis;

import org.jspecify.annotations.Nullable;

/** What happens to a pool in a {@link Trace}. */
sealed interface Move {

  /**
   * A call at a time.
   *
   * @param under the configuration that its caller knew; null of the first one itself
   */
  record Call(Step step, Clock clock, Step.@Nullable Configure under) implements Move {}

  /** All that Redis holds is lost. */
  record Flush() implements Move {}
}
