package relay.leases;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import relay.redis.model.Lasting;

/**
 * How many leases each client has open over all pools. Pools may lie in different slots of a Redis
 * Cluster, so no script can count them together: each counts its own, and this is their sum as a
 * replica knows it. While clients acquire, it reads all pools once a second, beside the acquires,
 * and adds what it granted and ended itself since. So a client exceeds the bound by no more than
 * what other replicas grant it in that second. Only a client that seems to be at the bound waits
 * for a reading, if the last one is older. Thread-safe.
 */
final class OpenLeaseSums {
  private static final long READ_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final int OWNERS_A_CALL = 1_000;

  /** Tells how many leases owners have open, in order. */
  interface Pools {
    CompletableFuture<List<Long>> open(List<String> owners);
  }

  private final LongSupplier nanoTime;
  private final Map<String, Sum> sums = new HashMap<>(); // by owner: who may have leases open
  private CompletableFuture<Void> reading = CompletableFuture.completedFuture(null);
  private long readNanos;

  private static final class Sum {
    long read;
    long since; // granted here after the reading began, without those that ended here
    int asking; // under way here: each may be granted

    long open() {
      return read + since + asking;
    }
  }

  /** An owner that a reading asks for, and its sum's {@code since} before that. */
  private record Asked(String owner, Sum sum, long since) {
    static Asked of(Map.Entry<String, Sum> entry) {
      return new Asked(entry.getKey(), entry.getValue(), entry.getValue().since);
    }
  }

  OpenLeaseSums(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    readNanos = nanoTime.getAsLong() - READ_NANOS;
  }

  /**
   * An owner asks for a lease.
   *
   * @return whether it may open one: then {@link #asked} must follow
   */
  boolean begin(String owner, Pools pools) {
    CompletableFuture<Void> latest;
    List<Asked> toRead = List.of();
    synchronized (this) {
      sums.computeIfAbsent(owner, _ -> new Sum());
      if (reading.isDone() && nanoTime.getAsLong() - readNanos >= READ_NANOS) {
        readNanos = nanoTime.getAsLong();
        reading = new CompletableFuture<>();
        toRead = sums.entrySet().stream().map(Asked::of).toList();
      }
      latest = reading;
    }
    if (!toRead.isEmpty()) {
      read(toRead, pools, latest); // without the lock, which the thread of the answers takes
    }
    if (mayAsk(owner)) {
      return true;
    }
    latest.join();
    return mayAsk(owner);
  }

  private synchronized boolean mayAsk(String owner) {
    Sum sum = sums.computeIfAbsent(owner, _ -> new Sum());
    boolean may = sum.open() < Lasting.MOST_OPEN;
    sum.asking += may ? 1 : 0;
    return may;
  }

  /** What {@link #begin} allowed is over. */
  synchronized void asked(String owner, boolean isGranted) {
    Sum sum = sums.get(owner); // not removed while it asks
    if (sum != null) {
      sum.asking--;
      sum.since += isGranted ? 1 : 0;
    }
  }

  /** A lease of an owner has ended. */
  synchronized void ended(String owner) {
    Sum sum = sums.get(owner);
    if (sum != null) {
      sum.since--;
    }
  }

  /**
   * Completes {@code done} normally, in any case: without an answer, what was known before holds.
   */
  private void read(List<Asked> all, Pools pools, CompletableFuture<Void> done) {
    List<CompletableFuture<Void>> calls = new ArrayList<>();
    for (int n = 0; n < all.size(); n += OWNERS_A_CALL) {
      List<Asked> some = all.subList(n, Math.min(n + OWNERS_A_CALL, all.size()));
      calls.add(
          pools
              .open(some.stream().map(Asked::owner).toList())
              .thenAccept(open -> take(some, open))
              .exceptionally(_ -> null));
    }
    var _ =
        CompletableFuture.allOf(calls.toArray(CompletableFuture[]::new))
            .whenComplete((_, _) -> done.complete(null));
  }

  private synchronized void take(List<Asked> some, List<Long> open) {
    for (int n = 0; n < open.size(); n++) {
      Asked asked = some.get(n);
      Sum sum = asked.sum;
      sum.read = open.get(n);
      sum.since -= asked.since;
      if (sum.read + sum.since <= 0 && sum.asking == 0) {
        sums.remove(asked.owner);
      }
    }
  }
}
