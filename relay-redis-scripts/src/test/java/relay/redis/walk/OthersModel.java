package relay.redis.walk;

/** What a group learns from answers of the provider's bucket and of the use of others. */
public final class OthersModel {
  private final GroupModel group;

  /** What was charged as the use of others of late, and when. */
  private final long[] foreign = new long[3];

  private long foreignAt;

  /** Requests that the provider refused of late, and that are charged; fading. */
  private double refused;

  private long refusedAt;

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
  public long[] charged(AnswersModel told, double had, Step.Observe answer, long now, Shape shape) {
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
    double known = told.othersAt(now, shape);
    double part = 0;
    long[] others = new long[3];
    for (int d = 0; d < 4; d++) {
      refilled(told, d, known, answer, now, shape);
    }
    for (int d = 0; d < 4; d++) {
      long limit = answer.stated().get(d);
      if (limit > 0 && answer.left().get(d) >= 0) {
        double missing = limit - told.share(d) * limit;
        boolean refills =
            answer.fullMs().get(d) >= 0
                && told.refills(d, limit)
                && now - told.refilledAt[d] < 1_800_000_000L;
        double ours =
            shape.bucket() || refills
                ? group.debt(d)
                : Math.max(
                    group.debt(d),
                    group.used(d, shape.slotOf(now))
                        + comingOf(d)
                        - missing
                        - (d == 0 ? refusedAt(now, shape) : 0));
        double aged = (double) Math.max(0, now - answer.granted()) * limit / shape.windowMicros();
        double left = answer.left().get(d);
        boolean scarce = known >= 0.1 && left < 0.25 * (limit - missing);
        double doubt = scarce ? -0.05 * limit : slack(d, limit) + aged;
        double unknown = Math.floor(limit - missing - left - ours - doubt);
        int as = d == 3 ? 1 : d;
        others[as] = Math.max(others[as], (long) unknown);
        part = Math.max(part, unknown / limit);
      }
    }
    charge(others, told.toldAt, now, shape);
    told.note(part, now, shape);
    if (others[1] + others[2] > 0) {
      boolean fresh = now - foreignAt < shape.windowMicros();
      for (int d = 1; d < 3; d++) {
        foreign[d] = (fresh ? foreign[d] : 0) + others[d];
      }
      foreignAt = now;
    }
    return others;
  }

  /** To the pacer now, and to the window spread over the time since the last answer. */
  private void charge(long[] others, long toldAt, long now, Shape shape) {
    if (others[0] + others[1] + others[2] == 0) {
      return;
    }
    long window = shape.windowMicros();
    double first = Math.max((double) Math.max(toldAt, now - window), now - window * 479.0 / 480);
    long parts = Math.clamp((long) Math.ceil((now - first) / window * 16), 1, 16);
    long[] rest = others.clone();
    for (long n = parts; n > 0; n--) {
      double at = n == parts ? now : first + (now - first) * (n - 0.5) / parts;
      long[] some = new long[3];
      for (int d = 0; d < 3; d++) {
        some[d] = n == 1 ? rest[d] : others[d] / parts;
        rest[d] -= some[d];
      }
      group.add((long) Math.floor(at / shape.slotMicros()), some[0], some[1], some[2]);
    }
    for (int d = 0; d < 4; d++) {
      if (group.limits[d] > 0) {
        group.debt[d] += GroupModel.cost(d, others[0], others[1], others[2]);
      }
    }
  }

  /** Notes whether an answer has more left than a window would have. */
  private void refilled(
      AnswersModel told, int d, double others, Step.Observe answer, long now, Shape shape) {
    long limit = answer.stated().get(d);
    long left = answer.left().get(d);
    long age = now - answer.granted();
    if (limit == 0 || left < 0 || answer.fullMs().get(d) < 0) {
      return;
    }
    if (age < shape.windowMicros() / 4.0) {
      double notOurs = (d == 0 ? refusedAt(now, shape) : 0) + others * limit;
      double used = group.used(d, shape.slotOf(now)) - notOurs;
      double ours = d == 0 ? used : 0.9 * used;
      double aged = (double) age * limit / shape.windowMicros();
      double missing = limit - told.share(d) * limit;
      double counted = limit - (left + missing) + slack(d, limit) + aged + 0.03 * limit;
      double before = answer.granted() - Math.min(1e6, 0.05 * shape.windowMicros());
      long from = (long) Math.floor(before / shape.slotMicros());
      if (counted < ours && counted < ours - group.since(d, from, shape.slotOf(now))) {
        told.refilledAt[d] = now;
      }
    }
  }

  private double refusedAt(long now, Shape shape) {
    double passed = (double) Math.max(0, now - refusedAt) / shape.windowMicros();
    return refused * Math.max(0, 1 - passed);
  }

  /** The provider refused a request. */
  void refused(long now, Shape shape) {
    refused = refusedAt(now, shape) + 1;
    refusedAt = now;
  }

  /** What was not charged as another's already, of the output that was made since a report. */
  long newOf(long newly, long had, long rest, long told, long now, Shape shape) {
    long more = Math.min(newly, newly + rest - had);
    if (more <= 0) {
      return newly;
    }
    long fresh = notForeign(2, more, told, now, shape);
    if (group.limits[3] > 0) {
      fresh = notForeign(1, fresh, told, now, shape);
    }
    return newly - (more - fresh);
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
