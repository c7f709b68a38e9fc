package relay.redis.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import relay.redis.Pools;
import relay.redis.script.Reply;

/** The last grants, which a failover may have lost. */
final class RecentGrantsTest {
  private final AtomicLong nanos = new AtomicLong(1);
  private final RecentGrants recent = new RecentGrants(nanos::get);

  private TrackedLease granted() {
    Reply.Grant grant = new Reply.Grant("k", "a/c", 1, 1, 1, null, 1);
    TrackedLease lease =
        TrackedLease.of(grant, (one, cost, nanodollars) -> {}, "l", 1, Pools.one());
    recent.add(lease);
    return lease;
  }

  private void pass(long millis) {
    nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(millis));
  }

  @Test
  void a_lease_is_held_until_it_is_old_or_others_take_its_place() {
    TrackedLease first = granted();
    assertTrue(recent.holds(first));
    pass(24_000);
    TrackedLease second = granted();
    pass(2_000);
    assertFalse(recent.holds(first), "its tombstone may be gone");
    assertTrue(recent.holds(second));
    for (int n = 0; n < RecentGrants.MOST - 1; n++) {
      granted();
    }
    assertTrue(recent.holds(second));
    granted();
    assertFalse(recent.holds(second));
  }

  @Test
  void the_grants_of_the_last_seconds_before_an_outage_are_perhaps_lost() {
    granted();
    pass(6_000);
    List<TrackedLease> last = new ArrayList<>(List.of(granted()));
    pass(5_000);
    last.add(granted());
    recent.away();
    pass(10_000);
    assertEquals(last, recent.perhapsLost());
  }

  /** Each late settlement asks, so it must not walk all grants. */
  @Test
  void to_ask_costs_the_same_whatever_the_number_of_grants() {
    TrackedLease first = granted();
    long alone = cpu(first);
    for (int n = 0; n < RecentGrants.MOST; n++) {
      granted();
    }
    long among = cpu(first);
    assertTrue(among < 100 * alone, alone + " ns alone, " + among + " ns among all");
  }

  private long cpu(TrackedLease lease) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadCpuTime();
    long held = 0;
    for (int n = 0; n < 100_000; n++) {
      held += recent.holds(lease) ? 1 : 0;
    }
    assertTrue(held == 0 || held == 100_000);
    return threads.getCurrentThreadCpuTime() - before;
  }
}
