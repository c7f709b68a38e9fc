package relay.trial.provider;

/**
 * The use of one limit of one account. All times are monotonic nanoseconds and must not go
 * backwards. Not thread-safe: the account's ledger holds the lock.
 */
sealed interface QuotaMeter permits TokenBucket, SlidingLog, NoLimit {

  /** Time until {@code amount} can be taken; 0 = now. Only refills. */
  long waitNanos(long nowNanos, long amount);

  /**
   * Takes {@code amount}; the rest may become negative. Output is charged while it is produced, and
   * can no longer be refused then.
   */
  void take(long nowNanos, long amount);

  /** Takes {@code amount}, or what is left of it. */
  void takeAtMost(long nowNanos, long amount);

  /** The amount that can be taken now; never negative. */
  long remaining(long nowNanos);

  /** Time until the whole capacity is free without further requests: the reset header. */
  long fullNanos(long nowNanos);

  /** The documented limit per window; 0 = none. */
  long limit();
}
