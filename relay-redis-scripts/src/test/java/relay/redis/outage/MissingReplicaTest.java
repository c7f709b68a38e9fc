package relay.redis.outage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.redis.Pools;
import relay.redis.RedisUnderTest;
import relay.redis.ScriptConnection;
import relay.redis.lease.Used;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.script.RedisKeys;
import relay.redis.walk.ChargeStep;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;

/**
 * A replica that is cut off from Redis and the others stay within the limit together. Three
 * replicas with more requests than the limit, on a virtual clock; the others' grants are those of
 * the scripts.
 */
@Tag("slow")
final class MissingReplicaTest {
  private static final int LIMIT = 300;
  private static final int REPLICAS = 3;
  private static final long SECOND = 1_000_000;
  private static final long STEP = SECOND / 10;
  private static final long WINDOW = 60 * SECOND;
  private static final long FULL = 90 * SECOND; // by now the limit is used evenly
  private static final String KEY = "k:key0";
  private static final String GROUP = "account0/" + Pools.CLASS;

  private final RedisKeys names = new RedisKeys("missing", Pools.name("p"));
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final PoolPlan plan =
      Pools.plan("missing", Duration.ofMinutes(1), 1, new Limits(LIMIT, 0, 0, 0));
  private final long start = 1_790_000_000_000_000L;
  private final List<Long> granted = new ArrayList<>(); // by all
  private final List<Long> alone = new ArrayList<>(); // by the replica that is cut off
  private long micros;
  private boolean isUp = true;
  private boolean restarted; // the first, as another one
  private int ids;
  private final CutOff cutOff =
      new CutOff(Duration.ofMinutes(1), () -> isUp, () -> false, () -> 1000 * micros, 1);
  private final FairShare share = new FairShare(plan, () -> 1000 * micros, cutOff);

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private List<Object> call(Step step) {
    return wire.call(step, names, new Clock(start + micros, 0));
  }

  private void beat(int replica) {
    Clock clock = new Clock(start + micros, 0);
    assertEquals(1L, wire.heartbeat("r" + replica, names, clock, "0 0 - 1").getFirst());
  }

  private void ask() {
    String id = "id" + ids++;
    List<Object> reply = call(Step.acquire(id, 7, 1, 1, 30_000, List.of(KEY, "g:" + GROUP)));
    if (reply.get(reply.size() - 5).equals(1L)) {
      granted.add(micros);
    }
  }

  private void askAlone() {
    PoolSnapshot last = FairShareTest.seen(REPLICAS, new Limits(LIMIT, 0, 0, 0), LIMIT);
    if (share.choose(Pools.one(), last, true) instanceof FairShare.Choice.Taken) {
      granted.add(micros);
      alone.add(micros);
    }
  }

  private ChargeStep.Part part(Used used) {
    return new ChargeStep.Part(micros - used.nanos() / 1000, used.usage().requests(), 0, 0);
  }

  /** Runs until this time. The first replica has no connection, or is dead, for a while. */
  private void run(long until, long cutAt, long backAt, boolean dead) {
    call(new Step.Configure(0, 7, plan));
    for (; micros < until; micros += STEP) {
      boolean cut = micros >= cutAt && micros < backAt;
      if (micros == backAt && !dead) {
        List<Used> used = share.takeOutageUsage().byGroup().getOrDefault(GROUP, List.of());
        call(ChargeStep.ended("late" + ids, GROUP, used.stream().map(this::part).toList()));
        isUp = true;
      }
      if (micros == cutAt) {
        isUp = false;
        share.beginOutage(Duration.ZERO);
      }
      if (restarted && micros % (SECOND / 2) == 0) {
        beat(REPLICAS + 1);
      }
      for (int replica = 1; replica <= REPLICAS; replica++) {
        boolean mine = replica == 1 && cut;
        if (!mine && (micros + replica * STEP) % (SECOND / 2) == 0) {
          beat(replica);
          if (replica == 1) {
            cutOff.heartbeat(1000 * micros, REPLICAS);
          }
        }
        // until it is full evenly, for an idle limit may be half used at once
        boolean asks = micros >= WINDOW || (micros + replica * STEP) % (SECOND / 5) == 0;
        if (asks && mine && !dead) {
          askAlone();
        } else if (asks && !mine && (micros >= WINDOW || replica == 1 || cut)) {
          ask();
        }
      }
    }
  }

  /** A replica that begins now, and has the same plan. */
  private void join(int replica) {
    Step configure = new Step.Configure(0, 7, plan);
    List<Object> args = new ArrayList<>(configure.args(new Clock(start + micros, 0)));
    args.set(11, "r" + replica + " 1 config 0 1");
    List<Object> reply = wire.call(configure.script(), configure.keys(names), args.toArray());
    assertEquals(1L, reply.getFirst());
    beat(replica);
    restarted = true;
  }

  @Test
  void nothing_is_kept_free_for_a_replica_that_was_restarted() {
    long restarted = FULL + 5 * SECOND;
    run(restarted, FULL, restarted, true);
    join(REPLICAS + 1);
    granted.clear();
    run(restarted + WINDOW, FULL, restarted + 2 * WINDOW, true);
    long used = within(granted, restarted, restarted + WINDOW);
    assertTrue(used >= 0.97 * LIMIT, "used in the next minute: " + used);
  }

  private long mostInAWindow() {
    long most = 0;
    int first = 0;
    for (int n = 0; n < granted.size(); n++) {
      while (granted.get(first) <= granted.get(n) - WINDOW) {
        first++;
      }
      most = Math.max(most, n - first + 1);
    }
    return most;
  }

  private static long within(List<Long> times, long from, long to) {
    return times.stream().filter(at -> at >= from && at < to).count();
  }

  /** Otherwise all would wait after an outage until the debt has flowed off a second time. */
  @Test
  void what_was_used_over_a_time_has_flowed_off_meanwhile() {
    call(new Step.Configure(0, 7, plan));
    micros = 30 * SECOND;
    call(ChargeStep.ended("late", GROUP, LIMIT / 2 - 10, 0, 0).over(micros));
    for (int n = 0; n < LIMIT; n++) {
      ask();
    }
    assertTrue(granted.size() > LIMIT / 5, "granted at once: " + granted.size());
  }

  @Test
  void a_replica_that_is_cut_off_and_the_others_stay_within_the_limit() {
    long back = FULL + 25 * SECOND;
    run(back + 60 * SECOND, FULL, back, false);
    assertTrue(mostInAWindow() <= LIMIT, "most in a window: " + mostInAWindow());
    // 0.3 of the limit for 25 s are 37
    assertTrue(alone.size() >= 34 && alone.size() <= 38, "by itself: " + alone.size());
    long used = within(granted, back - WINDOW, back);
    assertTrue(used >= 0.97 * LIMIT, "used while it was cut off: " + used);
  }

  @Test
  void a_replica_that_is_cut_off_for_long_uses_a_tenth_of_its_share_after_a_while() {
    long end = FULL + 150 * SECOND;
    run(end, FULL, end, false);
    assertTrue(mostInAWindow() <= 1.03 * LIMIT, "most in a window: " + mostInAWindow());
    long late = within(alone, end - WINDOW, end);
    assertTrue(late >= 8 && late <= 10, "in the last window by itself: " + late);
  }

  @Test
  void the_share_of_a_dead_replica_is_used_again() {
    long end = FULL + 160 * SECOND;
    run(end, FULL, end, true);
    long used = within(granted, end - WINDOW, end);
    assertTrue(used >= 0.985 * LIMIT, "used a minute and a half later: " + used);
    long lost = 160 * LIMIT / 60 - within(granted, FULL, end);
    // nine tenths of a third for half a minute
    assertTrue(lost >= 40 && lost <= 62, "lost: " + lost);
  }
}
