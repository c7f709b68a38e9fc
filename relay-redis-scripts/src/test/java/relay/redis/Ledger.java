package relay.redis;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * All charges, with exact times. Independent of slots and debts, it checks at every admission what
 * a provider would: guarantees 1 and 2.
 */
final class Ledger {
  private static final class Entry {
    final String group;
    final long micros;
    final boolean admitted; // not charged afterwards
    final long[] amounts;

    Entry(String group, long micros, boolean admitted, long requests, long input, long output) {
      this.group = group;
      this.micros = micros;
      this.admitted = admitted;
      amounts = new long[] {requests, input, output};
    }

    long of(int d) {
      return d == 3 ? amounts[1] + amounts[2] : amounts[d];
    }
  }

  private final Map<String, List<Entry>> groups = new HashMap<>();
  private final Map<String, Entry> leases = new HashMap<>();

  /** The limits changed: forget charges under the old ones. */
  void forget() {
    groups.clear();
  }

  void forgetLeases() {
    leases.clear();
  }

  void charged(String group, long micros, long requests, long input, long output) {
    of(group).add(new Entry(group, micros, false, requests, input, output));
  }

  /** The last charge of the group is a lease's. */
  void held(String lease, String group) {
    leases.put(lease, of(group).getLast());
  }

  private List<Entry> of(String group) {
    return groups.computeIfAbsent(group, g -> new ArrayList<>());
  }

  void ended(String lease, long micros, long requests, long input, long output) {
    Entry entry = leases.remove(lease);
    if (entry == null) {
      return;
    }
    charged(
        entry.group,
        micros,
        0,
        Math.max(0, input - entry.amounts[1]),
        Math.max(0, output - entry.amounts[2]));
    entry.amounts[0] = requests;
    entry.amounts[1] = Math.min(input, entry.amounts[1]);
    entry.amounts[2] = Math.min(output, entry.amounts[2]);
  }

  /** Checks a grant, unless it repeats an earlier one. */
  void granted(String lease, GroupModel group, long micros, long input, long output, Shape shape) {
    Entry before = leases.get(lease);
    if (before != null && before.micros == micros) {
      return; // a repetition; otherwise the record had expired, and the id was used again
    }
    List<Entry> all = of(group.id);
    all.add(new Entry(group.id, micros, true, 1, input, output));
    Entry mine = all.getLast();
    leases.put(lease, mine);
    for (int d = 0; d < 4; d++) {
      if (group.limits[d] > 0 && mine.of(d) > 0) {
        check(group, all, d, mine, shape);
      }
    }
  }

  private static void check(GroupModel group, List<Entry> all, int d, Entry mine, Shape shape) {
    long windowMicros = shape.windowMicros();
    long limit = group.limits[d];
    double most =
        shape.bucket()
            ? Math.max(Math.min(0.95, group.burst) * limit, (double) mine.of(d))
            : Math.max(group.burst * limit, 2.0 * mine.of(d));
    // With a burst of the whole limit, only the window bounds admission. The pacer refunds in full
    // there and need not cover later overage.
    boolean windowPaces = group.burst >= 1 && !shape.bucket();
    long sum = 0;
    long admitted = 0;
    for (Entry entry : all.reversed()) {
      long passed = mine.micros - entry.micros;
      sum += entry.of(d);
      admitted += entry.admitted || !windowPaces ? entry.of(d) : 0;
      if (passed <= windowMicros && !shape.bucket()) {
        assertTrue(sum <= limit, group.id + ": " + sum + " of " + limit + " in one window");
      }
      double paced = most + (double) limit * passed / windowMicros;
      assertTrue(
          admitted <= paced * (1 + 1e-9) + 1e-6,
          group.id
              + " dimension "
              + d
              + ": "
              + admitted
              + " in "
              + passed
              + " us, at most "
              + paced);
    }
  }
}
