package relay.trial.provider;

/**
 * The token bucket that providers document: a capacity, refilled continuously at {@code limit} per
 * window.
 *
 * <p>The level is kept in units of (1 token / window nanoseconds), so every refill is a whole
 * number. Without rounding, tests can compare with exact arithmetic.
 */
final class TokenBucket implements QuotaMeter {
  /** Keeps limit x window below 2^63 for windows up to a minute and a half. */
  static final long MAX_LIMIT = 100_000_000;

  private final long limit;
  private final long windowNanos;
  private final long capacityScaled;
  private long levelScaled;
  private long atNanos;

  /** A full bucket. */
  TokenBucket(long limit, long capacity, long windowNanos, long nowNanos) {
    if (limit < 1 || limit > MAX_LIMIT || capacity < 1 || capacity > MAX_LIMIT) {
      throw new IllegalArgumentException("limit and capacity must be 1.." + MAX_LIMIT);
    }
    this.limit = limit;
    this.windowNanos = windowNanos;
    this.capacityScaled = Math.multiplyExact(capacity, windowNanos);
    this.levelScaled = capacityScaled;
    this.atNanos = nowNanos;
  }

  @Override
  public long waitNanos(long nowNanos, long amount) {
    refill(nowNanos);
    long missing = Math.multiplyExact(amount, windowNanos) - levelScaled;
    return missing <= 0 ? 0 : Math.ceilDiv(missing, limit);
  }

  @Override
  public void take(long nowNanos, long amount) {
    refill(nowNanos);
    levelScaled = Math.subtractExact(levelScaled, Math.multiplyExact(amount, windowNanos));
  }

  @Override
  public void takeAtMost(long nowNanos, long amount) {
    refill(nowNanos);
    long wanted = Math.multiplyExact(amount, windowNanos);
    levelScaled -= Math.min(wanted, Math.max(0, levelScaled)); // a part of one, too
  }

  @Override
  public long remaining(long nowNanos) {
    refill(nowNanos);
    return Math.max(0, Math.floorDiv(levelScaled, windowNanos));
  }

  @Override
  public long fullNanos(long nowNanos) {
    refill(nowNanos);
    return Math.ceilDiv(capacityScaled - levelScaled, limit);
  }

  @Override
  public long limit() {
    return limit;
  }

  private void refill(long nowNanos) {
    long elapsed = nowNanos - atNanos;
    if (elapsed <= 0) {
      return;
    }
    atNanos = nowNanos;
    if (elapsed >= Math.ceilDiv(capacityScaled - levelScaled, limit)) {
      levelScaled = capacityScaled;
    } else {
      levelScaled += limit * elapsed;
    }
  }
}
