package relay.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The live leases of this replica. Renews each after a third of the time to its expiry. A renewal
 * carries the report of the output that was made; beside a window it comes every two seconds then,
 * because what was made counts from the time at which it was made.
 */
final class LeaseRenewals {
  private static final int BATCH = 100;
  private static final long MOST_REPORT_NANOS = TimeUnit.SECONDS.toNanos(2);

  private final PoolScripts scripts;
  private final long everyNanos;
  private final long reportNanos;
  private final Map<String, Live> leases = new ConcurrentHashMap<>(); // by id

  /** A lease, and when it was granted or renewed last. */
  private record Live(Lease lease, long renewedNanos) {}

  /** A lease to renew, with its report if it has one. */
  record Renewal(Lease lease, Lease.@Nullable Progress progress) {}

  /**
   * @param lease time from a grant or renewal to the lease's expiry
   */
  LeaseRenewals(PoolScripts scripts, Duration lease) {
    this.scripts = scripts;
    everyNanos = lease.toNanos() / 3;
    reportNanos = Math.min(MOST_REPORT_NANOS, everyNanos);
  }

  /** A lease begins. */
  void add(Lease lease) {
    leases.put(lease.id(), new Live(lease, System.nanoTime()));
  }

  /** A lease has ended. */
  void remove(String id) {
    leases.remove(id);
  }

  /** Number of live leases. */
  int size() {
    return leases.size();
  }

  boolean isEmpty() {
    return leases.isEmpty();
  }

  /** Ids of live leases. For tests. */
  Set<String> ids() {
    return Set.copyOf(leases.keySet());
  }

  /** Renews the leases that are due. If a call fails, its leases are due again at once. */
  void renewDue() {
    long now = System.nanoTime();
    boolean isWindow = scripts.plan().accounting() == Accounting.SLIDING_WINDOW;
    List<Renewal> due = new ArrayList<>();
    leases.forEach(
        (id, live) -> {
          Lease lease = live.lease();
          long every = isWindow && lease.isReported() ? reportNanos : everyNanos;
          if (now - live.renewedNanos() >= every
              && leases.replace(id, live, new Live(lease, now))) {
            due.add(new Renewal(lease, lease.progress()));
          }
        });
    for (int from = 0; from < due.size(); from += BATCH) {
      renew(due.subList(from, Math.min(due.size(), from + BATCH)), now);
    }
  }

  private void renew(List<Renewal> some, long now) {
    var _ =
        scripts
            .renew(some)
            .whenComplete(
                (reply, failure) -> {
                  for (Renewal one : some) {
                    if (failure != null) {
                      leases.computeIfPresent(
                          one.lease().id(), (id, live) -> new Live(one.lease(), now - everyNanos));
                    } else if (one.progress() != null) {
                      one.lease().reported(one.progress());
                    }
                  }
                });
  }
}
