package relay.redis.walk;

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
  /** What was charged or given back at one time. */
  private static final class Entry {
    final long micros;
    final long[] counted; // in the window; a refund lowers it later
    final long[] paced; // by the pacer; a refund is an entry of its own

    Entry(long micros, long[] counted, long[] paced) {
      this.micros = micros;
      this.counted = counted;
      this.paced = paced;
    }

    static Entry of(long micros, long requests, long input, long output) {
      long[] amounts = {requests, input, output};
      return new Entry(micros, amounts, amounts.clone());
    }

    static long of(long[] amounts, int d) {
      return d == 3 ? amounts[1] + amounts[2] : amounts[d];
    }
  }

  /** A lease's charge at admission. */
  private record Held(String group, Entry entry, boolean isComing) {}

  private final Map<String, List<Entry>> groups = new HashMap<>();
  private final Map<String, Held> leases = new HashMap<>();

  /** The limits changed: forget charges under the old ones. */
  void forget() {
    groups.clear();
  }

  void forgetLeases() {
    leases.clear();
  }

  /** The pacer leaves out what has flowed off. */
  void charged(long micros, ChargeStep charge, boolean runs) {
    List<Entry> all = of(charge.group());
    for (ChargeStep.Part part : charge.parts()) {
      long[] amounts = {part.requests(), part.input(), part.output()};
      int at;
      if (part.ago() == 0) {
        long[] paced = charge.spreadMicros() == 0 ? amounts.clone() : new long[3];
        all.add(new Entry(micros, amounts, paced));
        at = all.size() - 1;
      } else {
        Entry late = new Entry(micros - part.ago(), amounts, new long[3]);
        at = all.size();
        while (at > 0 && all.get(at - 1).micros > late.micros) {
          at--;
        }
        all.add(at, late);
      }
      if (runs) {
        leases.put(charge.id(), new Held(charge.group(), all.get(at), false));
      }
    }
  }

  private List<Entry> of(String group) {
    return groups.computeIfAbsent(group, g -> new ArrayList<>());
  }

  /** Output was made, and another rest is expected. */
  void moved(EndingModel.Moved m) {
    of(m.group())
        .add(new Entry(m.micros(), new long[] {0, 0, m.newly()}, new long[] {0, 0, m.debt()}));
  }

  void ended(Step.Cost cost, long micros) {
    Held held = leases.remove(cost.id());
    if (held == null) {
      return;
    }
    long[] had = held.entry().counted;
    long requests = cost.requests() - had[0];
    long input = cost.input() - had[1];
    long output = held.isComing() ? 0 : cost.output() - had[2];
    long[] over = {0, Math.max(0, input), Math.max(0, output)};
    of(held.group()).add(new Entry(micros, over, new long[] {requests, input, output}));
    had[0] += requests;
    had[1] += Math.min(0, input);
    had[2] += Math.min(0, output);
  }

  /** Whether this grant is new. */
  boolean isNew(String lease, long micros) {
    Held before = leases.get(lease);
    // otherwise the record had expired, and the id was used again
    return before == null || before.entry().micros != micros;
  }

  /**
   * Checks a new grant.
   *
   * @param coming output that is to come, with this request's; its own is only that if it is not
   *     charged at admission
   */
  void granted(
      LeaseModel lease, GroupModel group, long input, long output, double coming, Shape shape) {
    List<Entry> all = of(group.id);
    Entry mine = Entry.of(lease.since, lease.requests, input, lease.isComing() ? 0 : output);
    mine.paced[2] = output;
    all.add(mine);
    leases.put(lease.id, new Held(group.id, mine, lease.isComing()));
    for (int d = 0; d < 4; d++) {
      if (group.limits[d] > 0 && Entry.of(mine.paced, d) > 0) {
        check(group, all, d, coming, shape);
      }
    }
  }

  private static void check(GroupModel group, List<Entry> all, int d, double coming, Shape shape) {
    Entry mine = all.getLast();
    long cost = Entry.of(mine.paced, d);
    long windowMicros = shape.windowMicros();
    long limit = group.limits[d];
    double most =
        shape.bucket()
            ? Math.max(Math.min(0.95, group.burst) * limit, (double) cost)
            : Math.max(group.burst * limit, 2.0 * cost);
    long counted = 0;
    long admitted = 0;
    for (int n = all.size() - 1; n >= 0; n--) {
      Entry entry = all.get(n);
      long passed = mine.micros - entry.micros;
      counted += Entry.of(entry.counted, d);
      admitted += Entry.of(entry.paced, d);
      if (passed <= windowMicros && !shape.bucket()) {
        long before = counted - Entry.of(mine.counted, d);
        double rest = d < 2 ? 0 : Math.max(0, coming - before * Math.min(1, group.leaves));
        assertTrue(
            counted + rest <= limit * (1 + 1e-12),
            group.id + ": " + counted + " and " + rest + " of " + limit + " in one window");
      }
      if (n > 0 && all.get(n - 1).micros == entry.micros) {
        continue; // of what one call does, the order is not known here
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
