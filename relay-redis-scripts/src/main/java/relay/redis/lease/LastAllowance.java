package relay.redis.lease;

import java.time.Duration;
import java.util.List;
import relay.redis.model.Allowance;
import relay.redis.model.Dimension;
import relay.redis.script.Reply;

/**
 * What Redis said last of a key's limits. Each reply is written in place: a new object for each
 * request of ten thousand clients would fill the collector's old generation.
 */
final class LastAllowance {
  private static final int PER_DIMENSION = 2; // what is left, and the microseconds until all is

  private final long[] numbers = new long[PER_DIMENSION * Dimension.values().length];
  private long saidNanos;

  /**
   * @param reply of {@code acquire_named}
   * @param at where the dimensions' numbers begin
   */
  synchronized void set(List<Object> reply, int at, long nowNanos) {
    for (int n = 0; n < numbers.length; n++) {
      numbers[n] = Reply.number(reply.get(at + n));
    }
    saidNanos = nowNanos;
  }

  synchronized Allowance get() {
    return new Allowance(left(0), left(1), left(2), left(3), saidNanos);
  }

  private Allowance.Left left(int dimension) {
    int at = PER_DIMENSION * dimension;
    return new Allowance.Left(numbers[at], Duration.ofNanos(numbers[at + 1] * 1000));
  }
}
