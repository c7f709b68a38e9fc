package relay.redis;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What became of a wish for a key. */
public sealed interface Acquisition {

  /** A key carries the request: its capacity is reserved until the lease ends. */
  record Granted(Lease lease) implements Acquisition {

    /**
     * Why the request would have been refused, if its key were not in shadow mode ({@link
     * KeyPlan#enforce}); null if it would have been granted anyway.
     */
    public @Nullable Reason wouldDeny() {
      return lease.wouldDeny();
    }
  }

  /**
   * No key can carry the request now.
   *
   * @param retryAfter with no other traffic, a retry after this time is granted and one slot (1/240
   *     of the window) earlier is not
   * @param reason what stands in the way of the key that will be free first
   */
  record Exhausted(Duration retryAfter, Reason reason) implements Acquisition {}

  /** The request alone is larger than any group's whole limit: it can never be granted. */
  record Impossible(Dimension dimension, long limit) implements Acquisition {}

  /** Every key that is large enough for the request is quarantined. */
  record NoneUsable() implements Acquisition {}

  /** Redis cannot be asked, and the pool may not be used without it. */
  record Unavailable() implements Acquisition {}

  /** Why a key cannot carry a request. The scripts number them from 0 in this order. */
  enum Reason {
    /** It, or its group, is cooling down. */
    COOLDOWN,
    /** Its group's requests are used up for now. */
    REQUESTS,
    /** Its group's input tokens are. */
    INPUT_TOKENS,
    /** Its group's output tokens are. */
    OUTPUT_TOKENS,
    /** Its group's input and output tokens together are. */
    TOTAL_TOKENS,
    /** It has as many live leases as it may. */
    CONCURRENCY;

    static Reason of(Dimension dimension) {
      return switch (dimension) {
        case REQUESTS -> REQUESTS;
        case INPUT_TOKENS -> INPUT_TOKENS;
        case OUTPUT_TOKENS -> OUTPUT_TOKENS;
        case TOTAL_TOKENS -> TOTAL_TOKENS;
      };
    }
  }
}
