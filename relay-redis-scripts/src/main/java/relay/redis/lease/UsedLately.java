package relay.redis.lease;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import relay.redis.model.Usage;
import relay.redis.script.Reply;

/**
 * What this replica used of each group in the last window, by sixteenths of the window. After a
 * loss of the pool's state the replica tells Redis. A loss changes the pool's epoch, so usage is
 * kept for each epoch.
 */
public final class UsedLately {
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
  void began(TrackedLease lease) {
    lease.count(lease.epoch(), lease.recentNanos(), lease.chargedOutput());
    add(lease, 1);
  }

  /** Adds a lease's reservation where it counts, or takes it away. */
  private void add(TrackedLease lease, int sign) {
    Group group = epoch(lease.countedEpoch()).group(lease.group());
    long counted = slot(lease.countedNanos()); // not below the group's lock: see correct()
    long output = sign * lease.countedOutput();
    synchronized (group) {
      group.add(counted, sign, sign * lease.inputTokens(), output);
    }
  }

  /** Notes that a lease has ended. */
  void ended(TrackedLease lease, Usage cost) {
    synchronized (lease) {
      lease.seeEnd();
      if (lease.countedEpoch() != 0) {
        correct(lease, cost);
      }
    }
  }

  /**
   * A refund belongs to its slot, use beyond its reservation to the present one. Reads the lease
   * before it locks the group: to lock a lease again below another lock makes the JVM allocate a
   * monitor, for each request.
   */
  private void correct(TrackedLease lease, Usage cost) {
    long requests = cost.requests() - 1;
    long input = cost.inputTokens() - lease.inputTokens();
    long output = cost.outputTokens() - lease.countedOutput();
    if (requests == 0 && input == 0 && output == 0) {
      return;
    }
    Group group = epoch(lease.countedEpoch()).group(lease.group());
    long now = slot(nanoTime.getAsLong());
    long counted = slot(lease.countedNanos());
    synchronized (group) {
      group.add(counted, Math.min(0, requests), Math.min(0, input), Math.min(0, output));
      group.add(now, 0, Math.max(0, input), Math.max(0, output));
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

  /** From now on the use before a loss of state is reported. */
  public void willTell() {
    tells = true;
  }

  /** Whether the use of an ended lease before this epoch is reported with all other use. */
  boolean tells(TrackedLease lease, long id) {
    long of = lease.countedEpoch();
    return tells && of != 0 && of != id;
  }

  /**
   * Leaves out a lease that still runs: it is charged in a call of its own. Returns false if it has
   * ended, or counts under this epoch.
   */
  public boolean leaveOut(TrackedLease lease, long id) {
    synchronized (lease) {
      if (lease.charged() != null || lease.countedEpoch() == id) {
        return false;
      }
      if (lease.countedEpoch() != 0) { // else the last loss came before that call
        add(lease, -1);
        lease.count(0, 0, 0);
      }
      return true;
    }
  }

  /** If Redis has charged a lease that was left out, it counts as any other for the next loss. */
  void charged(@Nullable Reply reply, TrackedLease lease, long id, Used as) {
    synchronized (lease) {
      if (reply instanceof Reply.Done && lease.countedEpoch() == 0) {
        lease.count(id, as.nanos(), as.usage().outputTokens());
        add(lease, 1);
        Usage cost = lease.charged();
        if (cost != null && lease.isEndSeen()) {
          correct(lease, cost);
        }
      }
    }
  }

  /** The same for one that has ended. */
  void charged(@Nullable Reply reply, TrackedLease lease, long id, PendingUpdate.LateCharge late) {
    if (reply instanceof Reply.Done && lease.countedEpoch() == 0) {
      charged(id, late.group(), late.used());
    }
  }

  /** The use in the last window before this epoch, by group. */
  public Map<String, List<Used>> before(long id) {
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
  public void retain(Set<String> groups) {
    present.groups.keySet().retainAll(groups);
  }
}
