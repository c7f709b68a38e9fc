package relay.redis.walk;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The leases of a pool: live ones, ended ones, and the time of each one's next check. */
final class LeasesModel {
  static final long TOMB = 30_000_000;
  static final int MOST = 64; // that a call checks which is no request's

  private static final long KEPT = 3_600_000_000L; // of a lease that lasts
  private static final long TICK = 100_000;
  private static final long NOTHING_DUE = 9_000_000_000_000_000L;

  /**
   * An ended lease.
   *
   * @param at its time in the list, 0 if it is not in the list
   * @param closed whether it lasted and ended for good
   */
  private record Ended(long since, long at, boolean closed) {}

  private final Map<String, LeaseModel> leases = new HashMap<>();
  private final Map<String, Ended> ended = new HashMap<>();
  private final Deque<String> due = new ArrayDeque<>();
  private final Map<String, Long> later = new HashMap<>();
  private long lastDue;
  private long sweepAt;
  private long expired;
  private final Consumer<LeaseModel> expiry;

  /**
   * @param expiry called for a lease that expires
   */
  LeasesModel(Consumer<LeaseModel> expiry) {
    this.expiry = expiry;
  }

  void clear() {
    leases.clear();
    ended.clear();
    due.clear();
    later.clear();
  }

  /** A pool's record starts again. */
  void begin() {
    lastDue = 0;
    sweepAt = 0;
    expired = 0;
  }

  static long deadline(long now, long leaseMicros) {
    return Math.ceilDiv(now + leaseMicros, TICK) * TICK;
  }

  long expired() {
    return expired;
  }

  Stream<LeaseModel> live() {
    return leases.values().stream().filter(l -> l.live);
  }

  LongStream deadlines() {
    return live().mapToLong(l -> l.deadline);
  }

  @Nullable LeaseModel get(String id) {
    return leases.get(id);
  }

  boolean hasEnded(String id) {
    return ended.containsKey(id);
  }

  /** Whether it lasted and ended for good. */
  boolean isClosed(String id) {
    return Objects.requireNonNull(ended.get(id)).closed();
  }

  void add(LeaseModel lease) {
    leases.put(lease.id, lease);
    lease.renewed = lease.lasts(); // their deadlines are out of the order of others
    expect(lease.id, lease.deadline, lease.renewed);
  }

  private void expect(String id, long at, boolean ahead) {
    if (at >= lastDue && !ahead) {
      lastDue = at;
      due.add(id);
    } else {
      later.put(id, at);
    }
    sweepAt = Math.min(sweepAt, at);
  }

  /** Writes a tombstone for an id without a lease, which is kept for a while after a time. */
  void bury(String id, long since, long now) {
    long at = deadline(since, TOMB);
    ended.put(id, new Ended(since, at, LeaseModel.lasts(id)));
    expect(id, at, since > now);
  }

  void end(LeaseModel lease, long now, boolean closes) {
    leases.remove(lease.id);
    boolean fresh = lease.live && !lease.renewed;
    ended.put(lease.id, new Ended(now, fresh ? lease.deadline : 0, closes && lease.lasts()));
  }

  /** A report extends a deadline only when a quarter of the time to it has passed. */
  void report(LeaseModel lease, long now, long leaseMicros) {
    if (lease.deadline < now + 0.75 * leaseMicros) {
      renew(lease, deadline(now, leaseMicros));
    }
  }

  void renew(LeaseModel lease, long deadline) {
    lease.deadline = Math.max(lease.deadline, deadline);
    if (!lease.renewed) {
      later.put(lease.id, lease.deadline); // a later deadline is entered when this one has come
    }
    lease.renewed = true;
    lease.live = true;
    leases.put(lease.id, lease);
    later.put(lease.id, lease.deadline);
    sweepAt = Math.min(sweepAt, lease.deadline);
  }

  /** Checks what is due, with a bound for each queue. Returns whether more is due. */
  boolean sweep(long now, int most, long windowMicros) {
    if (now < sweepAt) {
      return false;
    }
    // Before the list is checked: an id in both queues takes a place in each.
    List<String> ids =
        later.entrySet().stream()
            .filter(entry -> entry.getValue() <= now)
            .sorted(Map.Entry.<String, Long>comparingByValue().thenComparing(Map.Entry::getKey))
            .map(Map.Entry::getKey)
            .limit(most)
            .toList();
    long next = NOTHING_DUE;
    int taken = 0;
    while (taken < most && !due.isEmpty()) {
      String id = due.getFirst();
      LeaseModel lease = leases.get(id);
      Ended tomb = ended.get(id);
      boolean elsewhere = lease != null && (lease.renewed || !lease.live);
      if (!elsewhere && (lease != null || tomb != null)) {
        long at = lease != null ? lease.deadline : tomb == null ? 0 : tomb.at();
        if (at > now) {
          next = at;
          break;
        }
        turn(id, now, windowMicros);
      }
      due.removeFirst();
      taken++;
    }
    if (taken == most) {
      next = now;
    }
    for (String id : ids) {
      if (Objects.requireNonNull(later.get(id)) <= now) { // else the list has moved it
        later.remove(id);
        turn(id, now, windowMicros);
      }
    }
    sweepAt = Math.min(next, later.values().stream().mapToLong(at -> at).min().orElse(NOTHING_DUE));
    return sweepAt <= now;
  }

  private void turn(String id, long now, long windowMicros) {
    LeaseModel lease = leases.get(id);
    Ended tomb = ended.get(id);
    if (tomb != null) {
      long till = tomb.since() + (LeaseModel.lasts(id) ? KEPT : TOMB);
      if (till > now) {
        later.put(id, till);
      } else {
        ended.remove(id);
      }
    } else if (lease != null && !lease.live) {
      leases.remove(id);
    } else if (lease != null && lease.deadline > now) {
      later.put(id, lease.deadline);
    } else if (lease != null) {
      lease.live = false;
      expired++;
      expiry.accept(lease);
      later.put(id, now + (lease.lasts() ? KEPT : windowMicros + TOMB));
    }
  }
}
