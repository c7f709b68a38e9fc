package relay.redis.lease;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The last grants of Redis, {@value #MOST} at most. Redis replicates asynchronously, so a failover
 * loses the last writes: these leases are then charged again.
 */
public final class RecentGrants {
  static final int MOST = 4_096; // a power of two

  /** A failover loses less than 5 s; half a second more until a heartbeat notices it. */
  private static final long LOST_NANOS = 5_500_000_000L;

  /**
   * An older lease may have been forgotten because it ended long ago: tombstones live for 30 s. To
   * charge it again would count it twice.
   */
  private static final long YOUNG_NANOS = 25_000_000_000L;

  private final AtomicReferenceArray<@Nullable TrackedLease> ring =
      new AtomicReferenceArray<>(MOST);
  private final AtomicInteger next = new AtomicInteger();
  private final LongSupplier nanoTime;
  private volatile long awayAt; // 0 while Redis is there

  RecentGrants(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  void add(TrackedLease lease) {
    int place = next.getAndIncrement() & (MOST - 1);
    lease.isRecent(place, nanoTime.getAsLong());
    ring.setRelease(place, lease);
  }

  /** Redis is away: until it is back, no grant ages. Each heartbeat without Redis says so. */
  void away() {
    if (awayAt == 0) {
      awayAt = nanoTime.getAsLong();
    }
  }

  /** The leases that a failover may have lost: the last ones before Redis went away. */
  List<TrackedLease> perhapsLost() {
    long now = nanoTime.getAsLong();
    long end = awayAt == 0 ? now : awayAt;
    awayAt = 0;
    List<TrackedLease> lost = new ArrayList<>();
    for (int n = 0; n < MOST; n++) {
      TrackedLease lease = ring.getAcquire(n);
      if (lease == null || now - lease.recentNanos() >= YOUNG_NANOS) {
        continue;
      }
      long age = end - lease.recentNanos();
      if (age >= 0 && age <= LOST_NANOS) {
        lost.add(lease);
      }
    }
    return lost;
  }

  /** Whether the lease is so young that Redis knows it, unless a failover lost it. */
  boolean holds(TrackedLease lease) {
    return ring.getAcquire(lease.recentPlace()) == lease
        && nanoTime.getAsLong() - lease.recentNanos() < YOUNG_NANOS;
  }
}
