package relay.redis.walk;

import org.jspecify.annotations.Nullable;

/**
 * A quota group in plain Java, without a ring or running sums: amounts are kept per slot number and
 * summed on each read.
 *
 * <p>Dimensions: 0 requests, 1 input, 2 output, 3 input + output.
 */
public final class GroupModel {
  static final int SLOTS = 480;

  final String id;
  public final long[] limits = new long[4];
  public double burst;

  /** The share of the burst that the provider is known to admit, and since when. */
  double shrunk = 1;

  long shrunkAt;
  public long cooldownEnd;
  int refusals;

  /** The group of the account whose part its own is: its limits hold, too. */
  @Nullable GroupModel above;

  @Nullable DayModel day; // if the pool counts days, and the group has limits a day

  private final SlotAmounts slots = new SlotAmounts();
  final double[] debt = new double[4];
  private long debtAt;

  double coming; // output that is expected still to come
  double variance; // of it
  double leaves; // the windows that pass until output is made

  /** Deviations that are kept free, and since when. */
  double strict;

  long strictAt;

  /** What answers told of the use of others. */
  public final OthersModel others = new OthersModel(this);

  public GroupModel(String id, long now) {
    this.id = id;
    debtAt = now;
  }

  /** Usage in the window that ends with this slot. */
  long used(int d, long slot) {
    return since(d, slot - SLOTS, slot);
  }

  double debt(int d) {
    return Math.max(0, debt[d]);
  }

  /** A window's debt may fall below nothing: that is credit, and `flow` bounds it. */
  private double debtAt(int d, long now, Shape shape) {
    double left = debt[d] - (double) Math.max(0, now - debtAt) * limits[d] / shape.refillMicros();
    return shape.bucket() ? Math.max(0, left) : left;
  }

  /** What a full group may save up. */
  private double credit(int d, double free) {
    boolean varies = d >= 2 && coming > 0;
    double most = Math.min(varies ? 0.03 : 0.05, burst / 4) * limits[d];
    most += varies ? Math.sqrt(variance) : 0;
    return most * Math.max(0, 1 - 10 * Math.max(0, free) / limits[d]);
  }

  /** The debt less what is given back: at least the credit, or what it was. */
  private double lowered(int d, double by, long now, Shape shape) {
    double least = shape.bucket() ? 0 : -credit(d, (double) limits[d] - used(d, shape.slotOf(now)));
    return Math.max(Math.min(least, debt[d]), debt[d] - by);
  }

  static long cost(int d, long requests, long input, long output) {
    return switch (d) {
      case 0 -> requests;
      case 1 -> input;
      case 2 -> output;
      default -> input + output;
    };
  }

  /** Doubles every hour, up to 1. */
  public double shrunkAt(long now) {
    double hours = Math.floor(Math.max(0, now - shrunkAt) / 3_600_000_000.0);
    return Math.min(1, shrunk * Math.pow(2, hours));
  }

  /** What the window will hold once all that is to come is made; `later` is a part of the cost. */
  private double full(int d, double used, long cost, long later) {
    double rest = d < 2 ? 0 : coming + later - used * Math.min(1, leaves);
    return d < 2 ? used + cost : used + (cost - later) + Math.max(0, rest);
  }

  private double margin(int d) {
    return d >= 2 && coming > 0 ? strict * Math.sqrt(variance) : 0;
  }

  /** The part of a cost that is made over time. */
  static long later(int d, long output) {
    return d < 2 ? 0 : output;
  }

  /** Whether one dimension has room for the cost now, and its load. */
  public double load(int d, long cost, long later, long now, Shape shape) {
    long limit = limits[d];
    if (limit == 0 || cost == 0) {
      return 0;
    }
    double part = shrunkAt(now);
    double share = burst * part;
    double owed = debtAt(d, now, shape) + cost;
    if (shape.bucket()) {
      double most = Math.max(Math.min(0.95 * part, share) * limit, (double) cost);
      return owed <= most ? owed / limit : Double.NaN;
    }
    long used = used(d, shape.slotOf(now));
    double large = cost * (1 + Math.min(1, 4 * part)) - credit(d, (double) limit - used);
    double free = burst * (limit - used);
    double bound = Math.max(Math.min(share * limit, free), large);
    double full = full(d, (double) used, cost, later);
    return full + margin(d) <= limit && owed <= bound ? (full + margin(d)) / limit : Double.NaN;
  }

  /**
   * The time at which the dimension has room without further traffic, found by search. Room only
   * grows: slots leave and the debt falls. Nobody knows the time if even an empty window has none.
   */
  long opens(int d, long cost, long later, long now, Shape shape) {
    boolean counts = limits[d] > 0 && cost > 0 && !shape.bucket();
    if (counts && full(d, 0, cost, later) + margin(d) > limits[d]) {
      return now + 1_000_000;
    }
    long no = now - 1;
    long yes = now + PoolModel.FOREVER;
    if (Double.isNaN(load(d, cost, later, yes, shape))) {
      return yes;
    }
    while (yes - no > 1) {
      long middle = no + (yes - no) / 2;
      if (Double.isNaN(load(d, cost, later, middle, shape))) {
        no = middle;
      } else {
        yes = middle;
      }
    }
    return yes;
  }

  /** The load of the fullest limited dimension; 1 if none is limited. */
  private double fullest(long now, Shape shape) {
    double most = 0;
    boolean any = false;
    for (int d = 0; d < 4; d++) {
      if (limits[d] > 0) {
        any = true;
        double used = used(d, shape.slotOf(now));
        most = Math.max(most, (shape.bucket() ? debt[d] : full(d, used, 0, 0)) / limits[d]);
      }
    }
    return any ? most : 1;
  }

  /** The provider refused a request that was granted at this time. */
  public void refused(long granted, long now, Shape shape) {
    if (granted > 0) {
      others.refused(now, shape);
    }
    if (granted > shrunkAt) {
      flow(now, shape);
      if (above != null) {
        above.flow(now, shape);
      }
      double most = above == null ? 0 : above.fullest(now, shape);
      boolean full = Math.max(most, fullest(now, shape)) >= 0.9;
      if (shape.bucket() || !full) {
        shrunk = Math.max(1 / 64.0, shrunkAt(now) * (full ? 0.9 : 0.5));
        shrunkAt = now;
      } else if (granted > strictAt) {
        strict = Math.min(2, Math.max(1, strict + 0.5));
        strictAt = now;
      }
    }
  }

  /** What was charged in these slots. */
  long since(int d, long slot, long last) {
    return slots.sum(d, Math.max(slot, last - SLOTS), last);
  }

  void shrinkTo(double admitted, long now) {
    if (admitted != shrunkAt(now)) {
      shrunk = admitted;
      shrunkAt = now;
    }
  }

  /** A bucket of this share of the limit is known. */
  void admit(double share, long now, Shape shape) {
    double admitted = AnswersModel.admitted(share, burst, shape);
    if (admitted < shrunkAt(now)) {
      shrinkTo(admitted, now);
    }
  }

  /** Rounding error of the time at which the debt is low enough. */
  double fuzz(int d, Shape shape) {
    return limits[d] == 0
        ? 0
        : 8 * Math.ulp(Math.max(debt[d], (double) limits[d])) * shape.refillMicros() / limits[d];
  }

  /** Lets the debt decay up to now. */
  public void flow(long now, Shape shape) {
    if (now <= debtAt) {
      return;
    }
    for (int d = 0; d < 4; d++) {
      boolean saves = limits[d] > 0 && !shape.bucket();
      double least = saves ? -credit(d, (double) limits[d] - used(d, shape.slotOf(now))) : 0;
      debt[d] = Math.max(debtAt(d, now, shape), least);
    }
    debtAt = now;
  }

  /** After a flow to now. */
  public void charge(long now, Shape shape, long requests, long input, long output) {
    add(shape.slotOf(now), requests, input, output);
    for (int d = 0; d < 4; d++) {
      if (limits[d] > 0) {
        debt[d] += cost(d, requests, input, output);
      }
    }
  }

  void add(long slot, long requests, long input, long output) {
    slots.add(slot, requests, input, output);
  }

  /** After a flow to now, at a grant. Its output is expected to come. */
  public void relax(long now) {
    if (strict > 0 && now - strictAt >= 3_600_000_000L) {
      strict -= 0.5;
      strictAt = now;
    }
  }

  /** A lease reports what it has made, and what it still expects. */
  public void report(LeaseModel lease, long now, Shape shape, long made, long rest, long spread) {
    expect(lease, now, shape, made - lease.made, rest, spread);
    lease.made = made;
    lease.rest = rest;
    lease.spread = spread;
    lease.told = now;
  }

  void expect(LeaseModel l, long now, Shape shape, long newly, long rest, long spread) {
    flow(now, shape);
    long fresh = others.newOf(newly, l.rest, rest, l.told, now, shape);
    expect(now, shape, l.since, l.told, fresh, l.rest, rest, l.spread, spread);
  }

  /**
   * Call after a flow to now. A lease expects another rest of its output.
   *
   * @param since the grant; told: the last report
   * @param newly what was made since then; negative if less was made than reported
   */
  public void expect(
      long now,
      Shape shape,
      long since,
      long told,
      long newly,
      long had,
      long rest,
      long hadSpread,
      long spread) {
    coming = Math.max(0, coming + (rest - had));
    double more = (double) spread * spread - (double) hadSpread * hadSpread;
    variance = Math.max(0, variance + more);
    if (newly > 0) {
      long limit = limits[2] > 0 ? limits[2] : limits[3];
      if (limit > 0) {
        double mean = ((now + told) / 2.0 - since) / shape.windowMicros();
        double wait = Math.max(0, mean - 1 / 240.0);
        leaves += Math.min(0.2, (double) newly / limit) * (Math.min(1, wait) - leaves);
      }
      add(shape.slotOf(now), 0, 0, newly);
    } else if (newly < 0) {
      takeBack(told, now, shape, 0, 0, -newly);
    }
    for (int d = 2; d < 4; d++) {
      if (limits[d] > 0) {
        debt[d] = lowered(d, (double) (had - newly - rest), now, shape);
      }
    }
  }

  /** Takes an overcharge out of its slot, if that is live, and no more than the slot holds. */
  private void takeBack(long since, long now, Shape shape, long requests, long input, long output) {
    long slot = shape.slotOf(since);
    if (since > shape.since() && slot >= shape.slotOf(now) - SLOTS) {
      add(
          slot,
          -Math.min(requests, slots.sum(0, slot, slot)),
          -Math.min(input, slots.sum(1, slot, slot)),
          -Math.min(output, slots.sum(2, slot, slot)));
    }
  }

  /** Call after a flow to now. Refunds an overcharge made at `since`. */
  public void refund(long since, long now, Shape shape, long requests, long input, long output) {
    if (requests + input + output == 0) {
      return;
    }
    takeBack(since, now, shape, requests, input, output);
    for (int d = 0; d < 4; d++) {
      if (limits[d] > 0) {
        debt[d] = lowered(d, (double) cost(d, requests, input, output), now, shape);
      }
    }
  }

  /** After a flow to now. */
  public void limit(long[] fresh, long now, Shape shape) {
    for (int d = 0; d < 4; d++) {
      if (fresh[d] == limits[d]) {
        continue;
      }
      double used = used(d, shape.slotOf(now)) + (d < 2 ? 0 : coming);
      if (fresh[d] == 0) {
        debt[d] = 0;
      } else if (limits[d] == 0) { // nothing was paced: all usage may be recent
        debt[d] = Math.min((double) fresh[d], used);
      } else if (shape.bucket()) { // what is left stays, up to the new limit
        debt[d] = Math.max(0, debt[d] + (fresh[d] - limits[d]));
      } else if (debt[d]
          > Math.max((double) fresh[d], used)) { // no more than the limit can be missing
        debt[d] = Math.max((double) fresh[d], used);
      }
      limits[d] = fresh[d];
    }
  }

  /** The state was lost: the group starts in full debt. */
  void indebt() {
    for (int d = 0; d < 4; d++) {
      debt[d] = Math.max(debt[d], burst * limits[d]);
    }
  }

  /** After a flow to now. The pacer is all that counts from now on: all usage may be recent. */
  void mirror(long now, Shape shape) {
    for (int d = 0; d < 4; d++) {
      double all = used(d, shape.slotOf(now)) + (d < 2 ? 0 : coming);
      double used = Math.min((double) limits[d], all);
      if (debt[d] < used) {
        debt[d] = used;
      }
    }
  }

  /** Changes the slots' length: all usage at `oldSlot` moves to `newSlot`. */
  void reshape(long oldSlot, long newSlot) {
    long[] all = {used(0, oldSlot), used(1, oldSlot), used(2, oldSlot)};
    slots.clear();
    slots.add(newSlot, all[0], all[1], all[2]);
    leaves = 0;
  }
}
