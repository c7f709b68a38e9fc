package relay.redis.lease;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.Collectors;
import relay.redis.lease.PendingUpdate.Recharge;

/** Charges of many leases that Redis may have lost: some at once, so that acquires pass between. */
final class Recharges {
  private static final int MOST = 32; // calls at once

  private final Deque<Recharge> left = new ArrayDeque<>();
  private final Function<Recharge, CompletableFuture<?>> charge;

  Recharges(Function<Recharge, CompletableFuture<?>> charge) {
    this.charge = charge;
  }

  /**
   * Charges the last grants. They were used over a time, in which a part of the rates was free for
   * them.
   *
   * @param replicas that share the rates
   */
  CompletableFuture<?> last(List<TrackedLease> leases, int replicas, long now) {
    leases.stream()
        .collect(Collectors.groupingBy(TrackedLease::group))
        .forEach(
            (group, some) -> {
              long passed = some.stream().mapToLong(l -> now - l.recentNanos()).max().orElse(0);
              add(some, passed / 1_000 / some.size() / replicas);
            });
    return next();
  }

  /** Charges these, each with this time of the rates. */
  CompletableFuture<?> all(List<TrackedLease> leases, long micros) {
    add(leases, micros);
    return next();
  }

  private void add(List<TrackedLease> leases, long micros) {
    leases.forEach(lease -> left.add(new Recharge(lease, micros, 0)));
  }

  private CompletableFuture<?> next() {
    List<CompletableFuture<?>> charges = new ArrayList<>();
    while (charges.size() < MOST && !left.isEmpty()) {
      charges.add(charge.apply(left.removeFirst()));
    }
    CompletableFuture<?> sent = CompletableFuture.allOf(charges.toArray(CompletableFuture[]::new));
    return left.isEmpty() ? sent : sent.handle((done, failure) -> left).thenCompose(more -> next());
  }
}
