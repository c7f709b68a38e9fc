package relay.redis.model;

import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The outcome of a request for a key. */
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
   * @param retryAfter without other traffic, a retry after this time is granted, and a retry one
   *     slot (1/480 of the window) earlier is not. A guess of one second where nobody knows: at the
   *     bound on concurrent requests, or while output to come fills a window
   * @param reason what blocks the key that will be free first
   */
  record Exhausted(Duration retryAfter, Reason reason) implements Acquisition {}

  /**
   * The request alone is larger than any group's whole limit: it can never be granted.
   *
   * @param reason which limit
   */
  record Impossible(Reason reason, long limit) implements Acquisition {}

  /**
   * The key that was asked for has spent too much of a budget to carry the request.
   *
   * @param left the time until it can, or until its period is over
   */
  record OverBudget(Budget budget, Duration left) implements Acquisition {}

  /** Every key that is large enough for the request is quarantined. */
  record NoneUsable() implements Acquisition {}

  /**
   * More requests wait in this process than Redis answers in time. Redis was not asked, and may be
   * healthy: a retry a second later can succeed.
   */
  record Overloaded() implements Acquisition {}

  /** Redis is unreachable, and the pool may not be used without it. */
  record Unavailable() implements Acquisition {}

  /** Why a key cannot carry a request. The scripts number them from 0 in this order. */
  enum Reason {
    /** The key, or its group, is cooling down. */
    COOLDOWN,
    /** The request limit of its group. */
    REQUESTS,
    /** The input token limit of its group. */
    INPUT_TOKENS,
    /** The output token limit of its group. */
    OUTPUT_TOKENS,
    /** The limit on input and output tokens together of its group. */
    TOTAL_TOKENS,
    /** The key has its maximum of live leases. */
    CONCURRENCY,
    /** A budget of the key. */
    BUDGET,
    /** The limit of requests a day of its group. */
    REQUESTS_A_DAY,
    /** The limit of input and output tokens a day of its group. */
    TOKENS_A_DAY,
    /** The owner of the {@link Lasting} lease has its maximum of open ones. */
    OPEN_LEASES;

    /** The usual abbreviation of a limit, such as {@code rpm}; otherwise the name. */
    public String label() {
      return switch (this) {
        case REQUESTS -> Dimension.REQUESTS.label();
        case INPUT_TOKENS -> Dimension.INPUT_TOKENS.label();
        case OUTPUT_TOKENS -> Dimension.OUTPUT_TOKENS.label();
        case TOTAL_TOKENS -> Dimension.TOTAL_TOKENS.label();
        case REQUESTS_A_DAY -> "rpd";
        case TOKENS_A_DAY -> "tpd";
        case COOLDOWN, CONCURRENCY, BUDGET, OPEN_LEASES -> name().toLowerCase(Locale.ROOT);
      };
    }

    /** The limit of a dimension. */
    public static Reason of(Dimension dimension) {
      return switch (dimension) {
        case REQUESTS -> REQUESTS;
        case INPUT_TOKENS -> INPUT_TOKENS;
        case OUTPUT_TOKENS -> OUTPUT_TOKENS;
        case TOTAL_TOKENS -> TOTAL_TOKENS;
      };
    }
  }
}
