package relay.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongSupplier;

/**
 * What this replica used of each group in the last window, by sixteenths of the window. After a
 * loss of the pool's state the replica tells Redis. A loss changes the pool's epoch, so usage is
 * kept for each epoch.
 */
final class UsedLately {
  private static final int SLOTS = 16; // of a window
  private static final int KEPT = SLOTS + 2; // with the present one, and the oldest as a whole

  private final long slotNanos;
  private final LongSupplier nanoTime;
  private final List<Epoch> earlier = new CopyOnWriteArrayList<>();
  private volatile Epoch present = new Epoch(0);
  private volatile boolean tells;

  UsedLately(Duration window, LongSupplier nanoTime) {
    slotNanos = Math.max(1, window.toNanos() / SLOTS);
    this.nanoTime = nanoTime;
  }

  private static final class Epoch {
    final long id;
    final Map<String, Group> groups = new ConcurrentHashMap<>();
    volatile long endedNanos;

    Epoch(long id) {
      this.id = id;
    }

    Group group(String group) {
      Group known = groups.get(group); // computeIfAbsent would lock
      return known == null ? groups.computeIfAbsent(group, g -> new Group()) : known;
    }
  }

  /** Its lock is held for some additions only. */
  private static final class Group {
    private final long[] numbers = new long[KEPT];
    private final long[] amounts = new long[3 * KEPT];
    private boolean used;

    void add(long slot, long requests, long input, long output) {
      int place = Math.floorMod(slot, KEPT);
      if (!used || numbers[place] < slot) {
        numbers[place] = slot;
        amounts[3 * place] = 0;
        amounts[3 * place + 1] = 0;
        amounts[3 * place + 2] = 0;
      }
      used = true;
      if (numbers[place] == slot) { // otherwise it has aged out
        amounts[3 * place] += requests;
        amounts[3 * place + 1] += input;
        amounts[3 * place + 2] += output;
      }
    }

    synchronized List<Used> since(long first, long last, long slotNanos, long now) {
      List<Used> all = new ArrayList<>();
      for (long slot = first; slot <= last; slot++) {
        int at = Math.floorMod(slot, KEPT);
        Usage usage =
            new Usage(
                Math.max(0, amounts[3 * at]),
                Math.max(0, amounts[3 * at + 1]),
                Math.max(0, amounts[3 * at + 2]));
        if (used && numbers[at] == slot && !usage.equals(Usage.NONE)) {
          all.add(new Used(usage, Math.min(now, (slot + 1) * slotNanos)));
        }
      }
      return all;
    }
  }

  private long slot(long nanos) {
    return Math.floorDiv(nanos, slotNanos);
  }

  private Epoch epoch(long id) {
    Epoch now = present;
    return now.id == id ? now : another(id);
  }

  private synchronized Epoch another(long id) {
    for (Epoch one : earlier) {
      if (one.id == id) {
        return one;
      }
    }
    Epoch before = present;
    if (before.id != id) {
      before.endedNanos = nanoTime.getAsLong();
      earlier.removeIf(one -> before.endedNanos - one.endedNanos > KEPT * slotNanos);
      earlier.add(before);
      present = new Epoch(id);
    }
    return present;
  }

  /** Redis has granted a lease. */
  void began(Lease lease) {
    Group group = epoch(lease.epoch()).group(lease.group());
    synchronized (group) {
      group.add(slot(lease.recentNanos()), 1, lease.inputTokens(), lease.chargedOutput());
    }
  }

  /** It has ended: a refund belongs to its slot, use beyond its reservation to the present one. */
  void ended(Lease lease, Usage cost) {
    long requests = cost.requests() - 1;
    long input = cost.inputTokens() - lease.inputTokens();
    long output = cost.outputTokens() - lease.chargedOutput();
    if (requests == 0 && input == 0 && output == 0) {
      return;
    }
    Group group = epoch(lease.epoch()).group(lease.group());
    long granted = slot(lease.recentNanos());
    long now = slot(nanoTime.getAsLong());
    synchronized (group) {
      if (!lease.isLeftOut()) {
        group.add(granted, Math.min(0, requests), Math.min(0, input), Math.min(0, output));
        group.add(now, 0, Math.max(0, input), Math.max(0, output));
      }
    }
  }

  /** Redis has charged this. */
  void charged(long epoch, String group, List<Used> used) {
    Group of = epoch(epoch).group(group);
    synchronized (of) {
      for (Used part : used) {
        Usage u = part.usage();
        of.add(slot(part.nanos()), u.requests(), u.inputTokens(), u.outputTokens());
      }
    }
  }

  /** From now on a lost state is told. */
  void willTell() {
    tells = true;
  }

  /** Whether what an ended lease of an earlier epoch has used is told with all other use. */
  boolean tells(Lease lease) {
    return tells && !lease.isLeftOut();
  }

  /**
   * Leaves out a lease that still runs: it is charged in a call of its own. Returns false if it has
   * ended, or is left out already.
   */
  boolean leaveOut(Lease lease) {
    Group group = epoch(lease.epoch()).group(lease.group());
    synchronized (group) {
      if (lease.charged() != null || lease.isLeftOut()) {
        return false;
      }
      lease.leaveOut();
      group.add(slot(lease.recentNanos()), -1, -lease.inputTokens(), -lease.chargedOutput());
      return true;
    }
  }

  /** What was used in the last window before this epoch, by group. */
  Map<String, List<Used>> before(long id) {
    long now = nanoTime.getAsLong();
    epoch(id); // what was present is earlier now
    Map<String, List<Used>> all = new HashMap<>();
    for (Epoch one : earlier) {
      one.groups.forEach(
          (group, used) -> {
            List<Used> parts = used.since(slot(now) - SLOTS - 1, slot(now), slotNanos, now);
            if (one.id != id && !parts.isEmpty()) {
              all.computeIfAbsent(group, g -> new ArrayList<>()).addAll(parts);
            }
          });
    }
    return all;
  }

  /** Forgets groups that have left the plan. */
  void retain(Set<String> groups) {
    present.groups.keySet().retainAll(groups);
  }
}
