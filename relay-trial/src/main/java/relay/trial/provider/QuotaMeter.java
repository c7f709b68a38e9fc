package relay.trial.provider;

/**
 * What a provider counts against one limit of one account. All times are monotonic nanoseconds and
 * must not go backwards. Not thread-safe: the account's ledger holds the lock.
 */
sealed interface QuotaMeter permits TokenBucket, SlidingLog, NoLimit {

  /** How long until {@code amount} could be taken; 0 = now. Changes nothing but the refill. */
  long waitNanos(long nowNanos, long amount);

  /**
   * Takes {@code amount}, into debt if need be: output is charged as it is produced, and by then
   * nobody can refuse it.
   */
  void take(long nowNanos, long amount);

  /** What could be taken now; never negative. */
  long remaining(long nowNanos);

  /** How long until the whole capacity is back, if nobody asks for anything: the reset header. */
  long fullNanos(long nowNanos);

  /** The documented limit per window; 0 = none. */
  long limit();
}
