package relay.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The live leases of this replica. Renews each after a third of the time to its expiry. */
final class LeaseRenewals {
  private static final int BATCH = 100;

  private final PoolScripts scripts;
  private final long everyNanos;
  private final Map<String, Long> renewAt =
      new ConcurrentHashMap<>(); // by lease id, in nanoseconds

  /**
   * @param lease time from a grant or renewal to the lease's expiry
   */
  LeaseRenewals(PoolScripts scripts, Duration lease) {
    this.scripts = scripts;
    everyNanos = lease.toNanos() / 3;
  }

  /** A lease begins. */
  void add(String id) {
    renewAt.put(id, System.nanoTime() + everyNanos);
  }

  /** A lease has ended. */
  void remove(String id) {
    renewAt.remove(id);
  }

  /** Number of live leases. */
  int size() {
    return renewAt.size();
  }

  boolean isEmpty() {
    return renewAt.isEmpty();
  }

  /** Ids of live leases. For tests. */
  Set<String> ids() {
    return Set.copyOf(renewAt.keySet());
  }

  /** Renews the leases that are due. If a call fails, its leases are due again at once. */
  void renewDue() {
    long now = System.nanoTime();
    List<String> due = new ArrayList<>();
    renewAt.forEach(
        (id, at) -> {
          if (at - now <= 0 && renewAt.replace(id, at, now + everyNanos)) {
            due.add(id);
          }
        });
    for (int from = 0; from < due.size(); from += BATCH) {
      List<String> some = due.subList(from, Math.min(due.size(), from + BATCH));
      scripts
          .renew(some)
          .exceptionally(
              failure -> {
                some.forEach(id -> renewAt.computeIfPresent(id, (i, at) -> now));
                return null;
              });
    }
  }
}
