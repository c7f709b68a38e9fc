package relay.redis;

import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A quota group as ENGINE.md describes it, told without a ring and without running sums: every
 * slot's amounts are kept by the slot's number, and what is used is added up whenever it is asked.
 *
 * <p>Dimensions: 0 requests, 1 input, 2 output, 3 input + output.
 */
final class GroupModel {
  static final int SLOTS = 240;

  final String id;
  final long[] limits = new long[4];
  double burst;

  /** What of the burst the provider lets pass, and since when. */
  double shrunk = 1;

  long shrunkAt;
  long cooldownEnd;
  int refusals;

  private final NavigableMap<Long, long[]> slots = new TreeMap<>();
  private final double[] debt = new double[4];
  private long debtAt;

  /** Running minima of the debt: over a shorter and over a longer time. */
  private final double[] least = new double[4];

  private final double[] longerLeast = new double[4];
  private long leastSince;
  private long longerSince;
  private long steadySince;

  GroupModel(String id, long now) {
    this.id = id;
    debtAt = now;
    leastSince = now;
    longerSince = now;
  }

  /** Used in the window whose newest slot is this one. */
  long used(int d, long slot) {
    long sum = 0;
    for (long[] amounts : slots.subMap(slot - SLOTS, true, slot, true).values()) {
      sum += d == 3 ? amounts[1] + amounts[2] : amounts[d];
    }
    return sum;
  }

  double debt(int d) {
    return debt[d];
  }

  double least(int d) {
    return least[d];
  }

  double longerLeast(int d) {
    return longerLeast[d];
  }

  private double debtAt(int d, long now, long window) {
    return Math.max(0, debt[d] - (double) (now - debtAt) * limits[d] / window);
  }

  static long cost(int d, long requests, long input, long output) {
    return switch (d) {
      case 0 -> requests;
      case 1 -> input;
      case 2 -> output;
      default -> input + output;
    };
  }

  /** Twice as much every hour, till all of it is back. */
  double shrunkAt(long now) {
    double hours = Math.floor(Math.max(0, now - shrunkAt) / 3_600_000_000.0);
    return Math.min(1, shrunk * Math.pow(2, hours));
  }

  /** Whether one dimension has room for the cost at this moment, and how full it would be. */
  double load(int d, long cost, long now, Shape shape) {
    long limit = limits[d];
    if (limit == 0 || cost == 0) {
      return 0;
    }
    double part = shrunkAt(now);
    double share = burst * part;
    double owed = debtAt(d, now, shape.windowMicros()) + cost;
    if (shape.bucket()) {
      double most = Math.max(Math.min(0.95 * part, share) * limit, (double) cost);
      return owed <= most ? owed / limit : Double.NaN;
    }
    long used = used(d, shape.slotOf(now));
    double large = cost * (1 + Math.min(1, 4 * part));
    double free = burst * Math.max((double) (limit - used), limit / 20.0);
    double bound = Math.max(Math.min(share * limit, free), large);
    return used + cost <= limit && owed <= bound ? (double) (used + cost) / limit : Double.NaN;
  }

  /**
   * When the dimension has room if nothing else happens, found by trying. It is monotone: slots
   * only leave and the debt only falls.
   */
  long opens(int d, long cost, long now, Shape shape) {
    long no = now - 1;
    long yes = now + PoolModel.FOREVER;
    if (Double.isNaN(load(d, cost, yes, shape))) {
      return yes;
    }
    while (yes - no > 1) {
      long middle = no + (yes - no) / 2;
      if (Double.isNaN(load(d, cost, middle, shape))) {
        no = middle;
      } else {
        yes = middle;
      }
    }
    return yes;
  }

  /** How full the fullest dimension with a limit is; 1 if there is none. */
  private double fullest(long now, Shape shape) {
    double most = 0;
    boolean any = false;
    for (int d = 0; d < 4; d++) {
      if (limits[d] > 0) {
        any = true;
        double used = shape.bucket() ? debt[d] : used(d, shape.slotOf(now));
        most = Math.max(most, used / limits[d]);
      }
    }
    return any ? most : 1;
  }

  /** The provider refused a request that was granted at this time. */
  void refused(long granted, long now, Shape shape) {
    if (granted > shrunkAt) {
      flow(now, shape);
      if (fullest(now, shape) < 0.9) {
        shrunk = Math.max(1 / 64.0, shrunkAt(now) / 2);
        shrunkAt = now;
      }
    }
  }

  /** After a flow to now: the provider said what is left of what it allows. */
  long[] observe(List<Long> stated, List<Long> left, long now, Shape shape) {
    long[] foreign = new long[3];
    for (int d = 0; d < 4; d++) {
      long limit = stated.get(d);
      if (limit > 0 && left.get(d) >= 0 && left.get(d) < limit) {
        double ours = shape.bucket() ? debt[d] : used(d, shape.slotOf(now));
        double margin = Math.max(limit / 100.0, d == 0 ? 1 : 1_000);
        double unknown = Math.floor(limit - left.get(d) - ours - margin);
        int as = d == 3 ? 1 : d;
        foreign[as] = Math.max(foreign[as], (long) unknown);
      }
    }
    charge(now, shape, foreign[0], foreign[1], foreign[2]);
    return foreign;
  }

  /** By how much rounding may move the time at which the debt is low enough. */
  double fuzz(int d, Shape shape) {
    return limits[d] == 0
        ? 0
        : 8 * Math.ulp(Math.max(debt[d], (double) limits[d])) * shape.windowMicros() / limits[d];
  }

  /** The debt runs down to now. */
  void flow(long now, Shape shape) {
    for (int d = 0; d < 4; d++) {
      debt[d] = debtAt(d, now, shape.windowMicros());
    }
    debtAt = now;
    if (now - leastSince >= shape.windowMicros() / 2.0) {
      System.arraycopy(least, 0, longerLeast, 0, 4);
      System.arraycopy(debt, 0, least, 0, 4);
      longerSince = leastSince;
      leastSince = now;
    }
    for (int d = 0; d < 4; d++) {
      least[d] = Math.min(least[d], debt[d]);
      longerLeast[d] = Math.min(longerLeast[d], least[d]);
    }
  }

  /** After a flow to now. */
  void charge(long now, Shape shape, long requests, long input, long output) {
    add(shape.slotOf(now), requests, input, output);
    for (int d = 0; d < 4; d++) {
      if (limits[d] > 0) {
        debt[d] += cost(d, requests, input, output);
      }
    }
  }

  private void add(long slot, long requests, long input, long output) {
    long[] amounts = slots.computeIfAbsent(slot, s -> new long[3]);
    amounts[0] += requests;
    amounts[1] += input;
    amounts[2] += output;
  }

  /** After a flow to now: what was charged at `since` was too much by this. */
  void refund(long since, long now, Shape shape, long requests, long input, long output) {
    if (requests + input + output == 0) {
      return;
    }
    long slot = shape.slotOf(since);
    if (since > shape.since() && slot >= shape.slotOf(now) - SLOTS) {
      add(slot, -requests, -input, -output);
    }
    for (int d = 0; d < 4; d++) {
      refundDebt(d, cost(d, requests, input, output), since, now, shape);
    }
  }

  /**
   * Had the smaller amount been charged, the debt would be lower by as much as it never fell below
   * since then; from below that is known by the minima, or by what can have run down at most.
   */
  private void refundDebt(int d, long amount, long since, long now, Shape shape) {
    if (limits[d] == 0 || amount <= 0) {
      return;
    }
    double floor = 0;
    if (since >= leastSince) {
      floor = least[d];
    } else if (since >= longerSince) {
      floor = longerLeast[d];
    }
    double back = Math.min((double) amount, floor);
    if (since > steadySince && since > shape.since()) {
      back = Math.max(back, amount - (double) (now - since) * limits[d] / shape.windowMicros());
    }
    if (!shape.bucket() && burst == 1) {
      back = amount; // the window bounds it
    }
    back = Math.min(back, debt[d]);
    if (back > 0) {
      debt[d] -= back;
      least[d] = Math.max(0, least[d] - back);
      longerLeast[d] = Math.max(0, longerLeast[d] - back);
    }
  }

  /** After a flow to now. */
  void limit(long[] fresh, long now, Shape shape) {
    for (int d = 0; d < 4; d++) {
      if (fresh[d] == limits[d]) {
        continue;
      }
      steadySince = now;
      long used = used(d, shape.slotOf(now));
      if (fresh[d] == 0) {
        debt[d] = 0;
        least[d] = 0;
        longerLeast[d] = 0;
      } else if (limits[d] == 0) { // nothing was paced: all may have been used just now
        debt[d] = Math.min(fresh[d], used);
        least[d] = 0;
        longerLeast[d] = 0;
      } else if (debt[d] > Math.max(fresh[d], used)) { // no more of the limit can be missing
        debt[d] = Math.max(fresh[d], used);
        least[d] = 0;
        longerLeast[d] = 0;
      }
      limits[d] = fresh[d];
    }
  }

  /** The state was lost: nothing may be taken at once. */
  void indebt(long now) {
    steadySince = now;
    for (int d = 0; d < 4; d++) {
      debt[d] = Math.max(debt[d], burst * limits[d]);
      least[d] = 0;
      longerLeast[d] = 0;
    }
  }

  /** Slots get another length: all that is used at `oldSlot` is put into `newSlot`. */
  void reshape(long oldSlot, long newSlot) {
    long[] all = {used(0, oldSlot), used(1, oldSlot), used(2, oldSlot)};
    slots.clear();
    slots.put(newSlot, all);
  }

  /**
   * Up to twice a limit is taken for the limit; more never fits, and is noted if the limit is
   * larger than what was noted before: dimension from 1, limit.
   */
  long @Nullable [] clamp(long input, long output, long[] tooLarge) {
    long in = input;
    long out = output;
    int too = 0;
    if (limits[1] > 0 && in > 2 * limits[1]) {
      too = 1;
    } else {
      in = limits[1] > 0 ? Math.min(in, limits[1]) : in;
      if (limits[2] > 0 && out > 2 * limits[2]) {
        too = 2;
      } else {
        out = limits[2] > 0 ? Math.min(out, limits[2]) : out;
        if (limits[3] > 0 && in + out > 2 * limits[3]) {
          too = 3;
        } else if (limits[3] > 0 && in + out > limits[3]) {
          in = Math.min(in, limits[3]);
          out = limits[3] - in;
        }
      }
    }
    if (too == 0) {
      return new long[] {in, out};
    }
    if (limits[too] > tooLarge[1]) {
      tooLarge[0] = too + 1L;
      tooLarge[1] = limits[too];
    }
    return null;
  }
}
