package relay.redis;

/** What the provider's answers told of a group's limits, in the model. */
final class AnswersModel {
  private static final long HALF_HOUR = 1_800_000_000L;

  final long[] stated = new long[4];
  private long[] left = none();
  private long[] before = none();
  private long since;

  private static long[] none() {
    return new long[] {-1, -1, -1, -1};
  }

  /** How much of a limit the provider's bucket holds. */
  double share(int d) {
    long most = Math.max(left[d], before[d]);
    return stated[d] == 0 || most < 0 || most >= 0.9 * stated[d] ? 1 : (double) most / stated[d];
  }

  double leastShare() {
    return Math.min(Math.min(share(0), share(1)), Math.min(share(2), share(3)));
  }

  /** The share of the burst that such a bucket admits. */
  static double admitted(double share, double burst) {
    return share == 1 ? 1 : Math.max(1 / 64.0, Math.min(1, 0.95 * share / burst));
  }

  /** An answer states what is left; so much of a dimension is owed by us. */
  void note(int d, long limit, long rest, double owed) {
    left[d] = Math.max(left[d], (long) Math.floor(Math.min((double) limit, rest + owed)));
  }

  /** Call before the notes of an answer. */
  void turn(long now) {
    long passed = now - since;
    if (passed >= HALF_HOUR) {
      before = passed < 2 * HALF_HOUR ? left : none();
      left = none();
      since = now;
    }
  }
}
