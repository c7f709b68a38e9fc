package relay.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * The live leases of this replica. Renews each after a third of the time to its expiry. A lease
 * that Redis has forgotten meanwhile is counted again. A renewal carries the report of the output
 * that was made. Beside a window it then comes every two seconds, because output counts from when
 * it was made.
 */
final class LeaseRenewals {
  private static final int BATCH = 100;
  private static final long MOST_REPORT_NANOS = TimeUnit.SECONDS.toNanos(2);

  private final PoolScripts scripts;
  private final long everyNanos;
  private final long reportNanos;
  private final Map<String, Renewal> live = new ConcurrentHashMap<>(); // by lease id

  /**
   * @param at when the lease was granted or renewed, in nanoseconds
   */
  private record Renewal(Lease lease, long at) {}

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
    live.put(lease.id(), new Renewal(lease, System.nanoTime()));
  }

  /** A lease has ended. */
  void remove(String id) {
    live.remove(id);
  }

  /** Number of live leases. */
  int size() {
    return live.size();
  }

  boolean isEmpty() {
    return live.isEmpty();
  }

  /** Ids of live leases. For tests. */
  Set<String> ids() {
    return Set.copyOf(live.keySet());
  }

  /** Renews the leases that are due. If a call fails, its leases are due again at once. */
  void renewDue() {
    long now = System.nanoTime();
    boolean isWindow = scripts.plan().accounting() == Accounting.SLIDING_WINDOW;
    List<Lease> due = new ArrayList<>();
    live.forEach(
        (id, renewal) -> {
          long every = isWindow && renewal.lease().isReported() ? reportNanos : everyNanos;
          if (now - renewal.at() >= every
              && live.replace(id, renewal, new Renewal(renewal.lease(), now))) {
            due.add(renewal.lease());
          }
        });
    for (int from = 0; from < due.size(); from += BATCH) {
      renew(due.subList(from, Math.min(due.size(), from + BATCH)), now);
    }
  }

  private void renew(List<Lease> some, long now) {
    var _ =
        call(some, LeaseRenewals::reportOf, now)
            .thenAccept(
                forgotten -> {
                  if (!forgotten.isEmpty()) {
                    var _ = call(forgotten, LeaseRenewals::grantOf, now);
                  }
                });
  }

  /** Returns those of the leases that are still live here, but not in Redis. */
  private CompletableFuture<List<Lease>> call(
      List<Lease> some, Function<Lease, String> text, long now) {
    return scripts
        .renew(some.stream().map(text).toList())
        .handle(
            (reply, failure) -> {
              if (failure != null) {
                some.forEach(
                    lease ->
                        live.computeIfPresent(
                            lease.id(), (id, r) -> new Renewal(r.lease(), now - everyNanos)));
              }
              List<Lease> forgotten = new ArrayList<>();
              for (int n = 0; reply instanceof Reply.Done done && n < some.size(); n++) {
                if (done.number(n + 2) == 0 && live.containsKey(some.get(n).id())) {
                  forgotten.add(some.get(n));
                }
              }
              return forgotten;
            });
  }

  /** The lease's id, and its report if it has one. */
  private static String reportOf(Lease lease) {
    Lease.Progress told = lease.progress();
    if (told == null) {
      return lease.id();
    }
    lease.reported(told);
    return lease.id() + " " + told.made() + " " + told.rest() + " " + told.spread();
  }

  /** As {@code renew} reads it. */
  private static String grantOf(Lease l) {
    return String.join(
        " ",
        l.id(),
        l.key(),
        l.group(),
        Long.toString(l.epoch()),
        Long.toString(l.grantedMicros()),
        Long.toString(l.inputTokens()),
        Long.toString(l.isReported() ? l.reportedMade() : l.outputTokens()));
  }
}
