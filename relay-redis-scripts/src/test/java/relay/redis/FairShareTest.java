package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a replica does on its own, on a virtual clock. */
final class FairShareTest {
  private static final Duration WINDOW = Duration.ofMinutes(1);
  private static final String GROUP = "account0/" + Pools.CLASS;
  private static final Limits LIMITS = new Limits(1_000, 0, 0, 0);

  private long nanos;

  private FairShare share(Limits configured) {
    return new FairShare(Pools.plan("pool", WINDOW, 1, configured), () -> nanos);
  }

  /** How many were admitted in a time, in which one asked every 10 ms. */
  private int admitted(FairShare share, @Nullable PoolSnapshot last, Duration time) {
    int admitted = 0;
    for (long end = nanos + time.toNanos(); nanos < end; nanos += 10_000_000) {
      if (share.choose(Pools.one(), last, true) instanceof FairShare.Choice.Taken) {
        admitted++;
      }
    }
    return admitted;
  }

  @Test
  void what_is_owed_after_a_long_outage_is_what_the_last_window_used() {
    FairShare share = share(LIMITS);
    int all = admitted(share, null, WINDOW.multipliedBy(10));
    assertTrue(all > 8_900, "admitted: " + all);
    Usage owed = share.handOver().getOrDefault(GROUP, Usage.NONE);
    assertTrue(owed.requests() >= 899 && owed.requests() < 1_000, "owed: " + owed);
    assertEquals(10 * owed.requests(), owed.inputTokens());
    assertTrue(share.handOver().isEmpty(), "it is owed once");
  }

  @Test
  void what_was_used_longer_than_a_window_ago_is_not_owed() {
    FairShare share = share(LIMITS);
    assertTrue(admitted(share, null, WINDOW) > 0);
    nanos += 2 * WINDOW.toNanos();
    assertTrue(share.handOver().isEmpty());
  }
}
