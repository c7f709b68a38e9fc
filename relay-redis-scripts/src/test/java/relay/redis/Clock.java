package relay.redis;

/** A test's clock and what the calling replica believes of the pool's; microseconds. */
record Clock(long given, long ceiling) {
  /** The clock of Redis itself. */
  static final Clock OF_REDIS = new Clock(-1, 0);

  /** As the scripts are told it. */
  String told() {
    return given < 0 ? "-" : Long.toString(given);
  }
}
