package relay.redis;

import java.time.Duration;
import java.util.List;

/**
 * What a key of a {@link PoolPlan#named} pool can take, as Redis said.
 *
 * @param dimensions in the order of {@link Dimension}
 * @param saidNanos when, by {@link System#nanoTime}
 */
public record Allowance(List<Left> dimensions, long saidNanos) {
  public Allowance {
    dimensions = List.copyOf(dimensions);
  }

  /**
   * One dimension.
   *
   * @param left how many requests fit, or the tokens of one request; 0 if there is no limit
   * @param full the time until the whole limit is left, without further traffic
   */
  public record Left(long left, Duration full) {}

  /** One dimension. */
  public Left of(Dimension dimension) {
    return dimensions.get(dimension.ordinal());
  }
}
