package relay.redis;

/** What a group learns from answers of the provider's bucket and of the use of others. */
final class OthersModel {
  private final GroupModel group;

  /** What was charged as the use of others of late, and when. */
  private final long[] foreign = new long[3];

  private long foreignAt;

  OthersModel(GroupModel group) {
    this.group = group;
  }

  private static double slack(int d, long limit) {
    return Math.max(limit / 100.0, d == 0 ? 1 : 1_000);
  }

  private double comingOf(int d) {
    return d < 2 ? 0 : group.coming;
  }

  /**
   * Learns the size of the bucket, and charges the use of others. The limits hold already.
   *
   * @param had the share of the burst that was known to be admitted
   */
  long[] charged(AnswersModel told, double had, Step.Observe answer, long now, Shape shape) {
    for (int d = 0; d < 4; d++) {
      long limit = answer.stated().get(d);
      long fullMs = answer.fullMs().get(d);
      if (limit > 0 && answer.left().get(d) >= 0) {
        told.turn(now);
        double counted =
            fullMs >= 0
                ? fullMs * 1000.0 * limit / shape.windowMicros()
                : Math.max(
                    0,
                    group.debt(d)
                        - comingOf(d)
                        - group.since(d, shape.slotOf(answer.granted()), shape.slotOf(now))
                        - slack(d, limit));
        told.note(d, limit, answer.left().get(d) + counted);
      }
    }
    double admits = AnswersModel.admitted(told.leastShare(), group.burst, shape);
    double is = group.shrunkAt(now);
    double more = admits > had ? Math.min(1, is * admits / had) : is;
    group.shrinkTo(Math.min(admits, more), now);
    long[] others = new long[3];
    for (int d = 0; d < 4; d++) {
      long limit = answer.stated().get(d);
      if (limit > 0 && answer.left().get(d) >= 0) {
        double missing = limit - told.share(d) * limit;
        boolean refills = answer.fullMs().get(d) >= 0 && told.refills(d, limit);
        double ours =
            shape.bucket() || refills
                ? group.debt(d)
                : Math.max(group.debt(d), group.used(d, shape.slotOf(now)) + comingOf(d) - missing);
        double aged = (double) Math.max(0, now - answer.granted()) * limit / shape.windowMicros();
        double left = answer.left().get(d);
        double unknown = Math.floor(limit - missing - left - ours - slack(d, limit) - aged);
        int as = d == 3 ? 1 : d;
        others[as] = Math.max(others[as], (long) unknown);
      }
    }
    group.charge(now, shape, others[0], others[1], others[2]);
    if (others[1] + others[2] > 0) {
      boolean fresh = now - foreignAt < shape.windowMicros();
      for (int d = 1; d < 3; d++) {
        foreign[d] = (fresh ? foreign[d] : 0) + others[d];
      }
      foreignAt = now;
    }
    return others;
  }

  /** The part of an overage that was not charged as another's use already. */
  long notForeign(int d, long over, long since, long now, Shape shape) {
    if (since > foreignAt || now - foreignAt >= shape.windowMicros()) {
      return over;
    }
    long charged = Math.min(over, foreign[d]);
    foreign[d] -= charged;
    return over - charged;
  }
}
