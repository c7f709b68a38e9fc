package relay.redis;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Everything that was charged, by the exact microsecond: an accountant who knows nothing of slots
 * and debts, and checks at every admission what a provider would: guarantees 1 and 2.
 */
final class Ledger {
  private static final class Entry {
    final String group;
    final long micros;
    final long[] amounts;

    Entry(String group, long micros, long requests, long input, long output) {
      this.group = group;
      this.micros = micros;
      amounts = new long[] {requests, input, output};
    }

    long of(int d) {
      return d == 3 ? amounts[1] + amounts[2] : amounts[d];
    }
  }

  private final Map<String, List<Entry>> groups = new HashMap<>();
  private final Map<String, Entry> leases = new HashMap<>();

  /** Limits changed: what was before cannot be judged by them. */
  void forget() {
    groups.clear();
  }

  void forgetLeases() {
    leases.clear();
  }

  void charged(String group, long micros, long requests, long input, long output) {
    of(group).add(new Entry(group, micros, requests, input, output));
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

  /** Checks a grant, if it is not one that was told before. */
  void granted(String lease, GroupModel group, long micros, long input, long output, Shape shape) {
    Entry before = leases.get(lease);
    if (before != null && before.micros == micros) {
      return; // told again; else its record had gone, and the id was used anew
    }
    charged(group.id, micros, 1, input, output);
    List<Entry> all = of(group.id);
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
    long sum = 0;
    for (Entry entry : all.reversed()) {
      long passed = mine.micros - entry.micros;
      sum += entry.of(d);
      if (passed <= windowMicros && !shape.bucket()) {
        assertTrue(sum <= limit, group.id + ": " + sum + " of " + limit + " in one window");
      }
      double paced = most + (double) limit * passed / windowMicros;
      assertTrue(
          sum <= paced * (1 + 1e-9) + 1e-6,
          group.id + " dimension " + d + ": " + sum + " in " + passed + " us, at most " + paced);
    }
  }
}
