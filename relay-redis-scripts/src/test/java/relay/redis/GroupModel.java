package relay.redis;

import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A quota group in plain Java, without a ring or running sums: amounts are kept per slot number and
 * summed on each read.
 *
 * <p>Dimensions: 0 requests, 1 input, 2 output, 3 input + output.
 */
final class GroupModel {
  static final int SLOTS = 240;

  final String id;
  final long[] limits = new long[4];
  double burst;

  /** The share of the burst that the provider is known to admit, and since when. */
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

  /** Usage in the window that ends with this slot. */
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

  /** Doubles every hour, up to 1. */
  double shrunkAt(long now) {
    double hours = Math.floor(Math.max(0, now - shrunkAt) / 3_600_000_000.0);
    return Math.min(1, shrunk * Math.pow(2, hours));
  }

  /** Whether one dimension has room for the cost now, and its load. */
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
   * The time at which the dimension has room without further traffic, found by search. Room only
   * grows: slots leave and the debt falls.
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

  /** The load of the fullest limited dimension; 1 if none is limited. */
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

  /** Call after a flow to now. Takes the provider's stated remainder. */
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

  /** Rounding error of the time at which the debt is low enough. */
  double fuzz(int d, Shape shape) {
    return limits[d] == 0
        ? 0
        : 8 * Math.ulp(Math.max(debt[d], (double) limits[d])) * shape.windowMicros() / limits[d];
  }

  /** Lets the debt decay up to now. */
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

  /** Call after a flow to now. Refunds an overcharge made at `since`. */
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
   * With the smaller charge, the debt would be lower by at most its least value since then. The
   * minima bound that value from below, or the maximal decay does.
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
      } else if (limits[d] == 0) { // nothing was paced: all usage may be recent
        debt[d] = Math.min(fresh[d], used);
        least[d] = 0;
        longerLeast[d] = 0;
      } else if (debt[d] > Math.max(fresh[d], used)) { // no more than the limit can be missing
        debt[d] = Math.max(fresh[d], used);
        least[d] = 0;
        longerLeast[d] = 0;
      }
      limits[d] = fresh[d];
    }
  }

  /** The state was lost: the group starts in full debt. */
  void indebt(long now) {
    steadySince = now;
    for (int d = 0; d < 4; d++) {
      debt[d] = Math.max(debt[d], burst * limits[d]);
      least[d] = 0;
      longerLeast[d] = 0;
    }
  }

  /** After a flow to now. The pacer is all that counts from now on: all usage may be recent. */
  void mirror(long now, Shape shape) {
    for (int d = 0; d < 4; d++) {
      long used = Math.min(limits[d], used(d, shape.slotOf(now)));
      if (debt[d] < used) {
        debt[d] = used;
        least[d] = 0;
        longerLeast[d] = 0;
      }
    }
  }

  /** Changes the slots' length: all usage at `oldSlot` moves to `newSlot`. */
  void reshape(long oldSlot, long newSlot) {
    long[] all = {used(0, oldSlot), used(1, oldSlot), used(2, oldSlot)};
    slots.clear();
    slots.put(newSlot, all);
  }

  /**
   * Clamps up to twice a limit to the limit. A larger amount never fits, and is recorded if its
   * limit is the largest so far: dimension from 1, limit.
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
