package relay.trial.provider;

/** A dimension that the account does not limit. */
record NoLimit() implements QuotaMeter {

  @Override
  public long waitNanos(long nowNanos, long amount) {
    return 0;
  }

  @Override
  public void take(long nowNanos, long amount) {}

  @Override
  public void takeAtMost(long nowNanos, long amount) {}

  @Override
  public long remaining(long nowNanos) {
    return Long.MAX_VALUE;
  }

  @Override
  public long fullNanos(long nowNanos) {
    return 0;
  }

  @Override
  public long limit() {
    return 0;
  }
}
