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
 * what other replicas grant it in that second. Only who seems to be at the bound waits for a
 * reading, if the last one is older. Thread-safe.
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
    synchronized (this) {
      Sum sum = sums.computeIfAbsent(owner, _ -> new Sum());
      if (reading.isDone() && nanoTime.getAsLong() - readNanos >= READ_NANOS) {
        reading = read(pools);
      }
      if (sum.open() < Lasting.MOST_OPEN) {
        sum.asking++;
        return true;
      }
      latest = reading;
    }
    latest.join();
    synchronized (this) {
      Sum sum = sums.computeIfAbsent(owner, _ -> new Sum());
      boolean may = sum.open() < Lasting.MOST_OPEN;
      sum.asking += may ? 1 : 0;
      return may;
    }
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

  /** Completes normally, in any case: without an answer, what was known before holds. */
  private CompletableFuture<Void> read(Pools pools) {
    readNanos = nanoTime.getAsLong();
    List<Map.Entry<String, Sum>> all = List.copyOf(sums.entrySet());
    List<CompletableFuture<Void>> calls = new ArrayList<>();
    for (int n = 0; n < all.size(); n += OWNERS_A_CALL) {
      List<Map.Entry<String, Sum>> some = all.subList(n, Math.min(n + OWNERS_A_CALL, all.size()));
      List<Long> before = some.stream().map(each -> each.getValue().since).toList();
      calls.add(
          pools
              .open(some.stream().map(Map.Entry::getKey).toList())
              .thenAccept(open -> take(some, open, before))
              .exceptionally(_ -> null));
    }
    return CompletableFuture.allOf(calls.toArray(CompletableFuture[]::new));
  }

  private synchronized void take(
      List<Map.Entry<String, Sum>> some, List<Long> open, List<Long> before) {
    for (int n = 0; n < open.size(); n++) {
      Sum sum = some.get(n).getValue();
      sum.read = open.get(n);
      sum.since -= before.get(n);
      if (sum.read + sum.since <= 0 && sum.asking == 0) {
        sums.remove(some.get(n).getKey());
      }
    }
  }
}
