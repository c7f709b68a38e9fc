package relay.redis.outage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import relay.redis.Pools;
import relay.redis.lease.Used;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.Demand;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.GroupState;
import relay.redis.model.PoolSnapshot.KeyState;
import relay.redis.model.Usage;

/** A replica's behaviour without Redis, on a virtual clock. */
final class FairShareTest {
  private static final Duration WINDOW = Duration.ofMinutes(1);
  private static final String GROUP = "account0/" + Pools.CLASS;
  private static final Limits LIMITS = new Limits(1_000, 0, 0, 0);

  private long nanos;
  private boolean refused; // Redis's address refuses connections

  /** The share of a replica without others. */
  static FairShare alone(PoolPlan plan) {
    return new FairShare(plan, () -> 0, new CutOff(WINDOW, () -> false, () -> false, () -> 0, 1));
  }

  private CutOff cutOff() {
    return new CutOff(WINDOW, () -> false, () -> refused, () -> nanos, 1);
  }

  private FairShare share(Limits configured) {
    return new FairShare(Pools.plan("pool", WINDOW, 1, configured), () -> nanos, cutOff());
  }

  private static PoolSnapshot seen(Limits limits, Duration ofGroup, Duration ofKey) {
    GroupState group =
        new GroupState(
            GROUP,
            "account0",
            Pools.CLASS,
            limits,
            Usage.NONE,
            0,
            ofGroup,
            Duration.ZERO,
            limits,
            1,
            0);
    KeyState key = new KeyState("key0", "account0", null, ofKey, 0, 0, 1, 1);
    return new PoolSnapshot(Duration.ZERO, 1, 0, 0, List.of(group), List.of(key));
  }

  /** Requests admitted in an interval, at one request per 10 ms. */
  private int admitted(FairShare share, @Nullable PoolSnapshot last, Duration time) {
    int admitted = 0;
    for (long end = nanos + time.toNanos(); nanos < end; nanos += 10_000_000) {
      if (share.choose(Pools.one(), last, true) instanceof FairShare.Choice.Taken) {
        admitted++;
      }
    }
    return admitted;
  }

  private static Exhausted refused(FairShare.Choice choice) {
    return assertInstanceOf(
        Exhausted.class, assertInstanceOf(FairShare.Choice.Refused.class, choice).why());
  }

  /** Three replicas start while Redis is away: each believed to be alone, and took nine tenths. */
  @Test
  void replicas_that_never_saw_redis_divide_the_limits_by_their_stated_number_or_by_sixteen() {
    for (int stated : new int[] {3, 16}) {
      CutOff cutOff = new CutOff(WINDOW, () -> false, () -> true, () -> nanos, stated);
      FairShare share = new FairShare(Pools.plan("pool", WINDOW, 1, LIMITS), () -> nanos, cutOff);
      int admitted = admitted(share, null, WINDOW);
      assertTrue(admitted <= 900 / stated, stated + ": " + admitted);
      assertTrue(admitted >= 0.97 * 900 / stated - 2, stated + ": " + admitted);
      cutOff.heartbeat(nanos, stated); // Redis is there, and goes again
      assertEquals(stated, cutOff.replicas(null));
    }
  }

  @Test
  void after_a_timeout_the_credit_earned_during_it_is_usable() {
    FairShare share = share(LIMITS); // one is earned in 67 ms
    share.beginOutage(Duration.ofMillis(140));
    assertInstanceOf(FairShare.Choice.Taken.class, share.choose(Pools.one(), null, true));
    assertInstanceOf(FairShare.Choice.Taken.class, share.choose(Pools.one(), null, true));
    share.beginOutage(Duration.ofMillis(140)); // the same outage
    refused(share.choose(Pools.one(), null, true));
  }

  @Test
  void after_a_long_outage_the_last_windows_usage_is_charged() {
    FairShare share = share(LIMITS);
    int all = admitted(share, null, WINDOW.multipliedBy(10));
    assertTrue(all > 8_900, "admitted: " + all);
    List<Used> parts = share.takeOutageUsage().byGroup().getOrDefault(GROUP, List.of());
    Usage owed = parts.stream().map(Used::usage).reduce(Usage.NONE, Usage::plus);
    for (Used part : parts) { // evenly
      assertTrue(part.usage().requests() <= 60, parts.toString());
    }
    assertTrue(nanos - parts.getFirst().nanos() > 0.9 * WINDOW.toNanos(), parts.toString());
    assertTrue(owed.requests() >= 899 && owed.requests() < 1_000, "owed: " + owed);
    assertEquals(10 * owed.requests(), owed.inputTokens());
    assertTrue(share.takeOutageUsage().byGroup().isEmpty(), "it is owed once");
  }

  /** A Redis that answers with errors, or too late, is told of the usage twice a second. */
  @Test
  void a_large_request_earns_its_credit_while_usage_is_charged() {
    FairShare share = share(new Limits(0, 60_000, 0, 0)); // 900 a second, 2,700 at most
    Demand large = Demand.of(Pools.CLASS, 5_000, 0);
    int granted = 0;
    for (int halfSeconds = 0; halfSeconds <= 8; halfSeconds++) {
      granted += share.choose(large, null, true) instanceof FairShare.Choice.Taken ? 1 : 0;
      var _ = share.takeOutageUsage();
      nanos += 500_000_000;
    }
    assertEquals(1, granted);
  }

  @Test
  void usage_older_than_a_window_is_not_charged() {
    FairShare share = share(LIMITS);
    assertTrue(admitted(share, null, WINDOW) > 0);
    nanos += 2 * WINDOW.toNanos();
    assertTrue(share.takeOutageUsage().byGroup().isEmpty());
  }

  @Test
  void a_learned_limit_holds_without_redis() {
    FairShare share = share(Limits.UNKNOWN);
    int all = admitted(share, seen(LIMITS, Duration.ZERO, Duration.ZERO), WINDOW);
    assertTrue(all > 850 && all <= 900, "admitted: " + all);
  }

  @Test
  void a_request_for_one_unusable_key_is_refused() {
    PoolPlan plan = Pools.plan("pool", WINDOW, 2, LIMITS);
    KeyState key = new KeyState("key0", "account0", "why", Duration.ZERO, 0, 0, 1, 1);
    PoolSnapshot last = new PoolSnapshot(Duration.ZERO, 1, 0, 0, List.of(), List.of(key));
    assertEquals(
        new FairShare.Choice.Refused(new NoneUsable()),
        new FairShare(plan, () -> nanos, cutOff()).choose(Pools.one().on("key0"), last, true));
  }

  @Test
  void a_cooldown_in_the_last_snapshot_holds_without_redis() {
    Duration cooldown = Duration.ofSeconds(40);
    for (boolean ofKey : new boolean[] {false, true}) {
      FairShare share = share(LIMITS);
      PoolSnapshot last =
          seen(LIMITS, ofKey ? Duration.ZERO : cooldown, ofKey ? cooldown : Duration.ZERO);
      assertEquals(
          new Exhausted(cooldown, Reason.COOLDOWN), refused(share.choose(Pools.one(), last, true)));
      nanos += cooldown.toNanos();
      assertInstanceOf(FairShare.Choice.Taken.class, share.choose(Pools.one(), last, true));
    }
  }

  /** A group beside another replica. */
  private static PoolSnapshot two(long requests) {
    return seen(2, LIMITS, requests);
  }

  static PoolSnapshot seen(int replicas, Limits limits, long requests) {
    GroupState group =
        new GroupState(
            GROUP,
            "account0",
            Pools.CLASS,
            limits,
            new Usage(requests, 0, 0),
            0,
            Duration.ZERO,
            Duration.ZERO,
            limits,
            1,
            0);
    return new PoolSnapshot(Duration.ZERO, replicas, 0, 0, List.of(group), List.of());
  }

  @Test
  void replicas_that_were_alive_lately_have_their_share_though_they_are_not_back_yet() {
    CutOff cutOff = cutOff();
    cutOff.heartbeat(nanos, 3);
    nanos += CutOff.ALONE.toNanos() - 1;
    cutOff.heartbeat(nanos, 1);
    assertEquals(3, cutOff.replicas(seen(1, LIMITS, 0)));
    assertEquals(4, cutOff.replicas(seen(4, LIMITS, 0)));
    nanos++;
    cutOff.heartbeat(nanos, 1);
    assertEquals(1, cutOff.replicas(seen(1, LIMITS, 0)));
  }

  @Test
  void where_there_is_room_the_share_is_used_at_once() {
    FairShare share = share(LIMITS);
    share.beginOutage(Duration.ofMillis(140));
    assertInstanceOf(FairShare.Choice.Taken.class, share.choose(Pools.one(), two(900), true));
  }

  @Test
  void beside_others_the_share_waits_until_they_know_and_shrinks_when_they_forget() {
    FairShare share = share(LIMITS);
    PoolSnapshot two = two(901);
    share.beginOutage(Duration.ZERO);
    Duration wait = refused(share.choose(Pools.one(), two, true)).retryAfter();
    assertEquals(CutOff.UNNOTICED, wait);
    nanos += wait.toNanos();
    int atOnce = admitted(share, two, Duration.ofMillis(10)); // at one request per 10 ms
    assertEquals(1, atOnce);
    int inTime = 1 + admitted(share, two, CutOff.ALONE.minus(wait));
    assertTrue(inTime >= 220 && inTime <= 226, "450 a minute, for half a minute: " + inTime);
    int late = admitted(share, two, Duration.ofSeconds(20));
    assertTrue(late >= 10 && late <= 16, "a tenth of that: " + late);
    refused = true;
    int gone = admitted(share, two, Duration.ofSeconds(20));
    assertTrue(gone >= 145 && gone <= 152, "nobody has a Redis: " + gone);
  }

  /** Where no Redis was ever reached, each request would try a wrong key again. */
  @Test
  void a_key_that_its_provider_refused_is_left_out_for_a_minute_or_until_redis_answers() {
    FairShare share = new FairShare(Pools.plan("pool", WINDOW, 2, LIMITS), () -> nanos, cutOff());
    nanos += WINDOW.toNanos();
    share.refused(List.of("key0"));
    for (int n = 0; n < 4; n++) {
      assertEquals("key1", taken(share).key().id());
    }
    share.refused(List.of("key1"));
    FairShare.Choice none = share.pick(Pools.one(), null);
    assertInstanceOf(
        NoneUsable.class, assertInstanceOf(FairShare.Choice.Refused.class, none).why());
    nanos += LastSeen.REFUSED.toNanos();
    taken(share);
    share.refused(List.of("key0", "key1"));
    share.endOutage();
    taken(share);
  }

  private static FairShare.Choice.Taken taken(FairShare share) {
    return assertInstanceOf(FairShare.Choice.Taken.class, share.pick(Pools.one(), null));
  }
}
