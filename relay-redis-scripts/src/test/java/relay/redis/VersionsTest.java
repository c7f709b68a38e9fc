package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.redis.model.Accounting;
import relay.redis.model.Fallback;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;

/**
 * Two versions whose states have different forms share the limits, without a refused call. Three
 * replicas with more requests than the limit, on a virtual clock.
 */
@Tag("slow")
final class VersionsTest {
  private static final int LIMIT = 300;
  private static final long SECOND = 1_000_000;
  private static final long STEP = SECOND / 4;
  private static final long WINDOW = 60 * SECOND;
  private static final long FULL = 150 * SECOND; // by now the limit is used evenly
  private static final int OLD = RedisKeys.FORM;
  private static final int NEW = OLD + 1;

  private final String pool = Pools.name("versions");
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final PoolPlan plan =
      Pools.plan("versions", Duration.ofMinutes(1), 1, new Limits(LIMIT, 0, 0, 0));
  private final long start = 1_790_000_000_000_000L;
  private final Map<Integer, RedisKeys> names = new HashMap<>(); // by form
  private final Map<Integer, Long> epochs = new HashMap<>();
  private final Map<String, Integer> live = new HashMap<>(); // form by replica
  private final List<Long> granted = new ArrayList<>();
  private final List<Integer> grantedBy = new ArrayList<>();
  private String shares = "1"; // whether replicas take shares without Redis
  private Accounting accounting = Accounting.SLIDING_WINDOW;
  private long micros;
  private int ids;

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private RedisKeys names(int form) {
    return names.computeIfAbsent(form, f -> new RedisKeys("test", pool, f));
  }

  private Clock clock() {
    return new Clock(start + micros, 0);
  }

  private PoolPlan plan() {
    return Pools.accounting("versions", accounting, plan.limits().values().iterator().next());
  }

  private void join(String replica, int form) {
    Step.Configure configure = new Step.Configure(0, 7, plan());
    List<Object> args = new ArrayList<>(configure.args(clock()));
    args.set(11, replica + " 1 config 0 1");
    List<Object> reply = wire.call(configure.script(), configure.keys(names(form)), args.toArray());
    assertEquals(1L, reply.getFirst());
    epochs.put(form, (Long) reply.get(2));
    live.put(replica, form);
    beat(replica, form);
  }

  private void beat(String replica, int form) {
    List<Object> reply = wire.heartbeat(replica, names(form), clock(), "0 0 - " + shares);
    assertEquals(1L, reply.getFirst());
    assertEquals((long) live.size(), reply.get(3), "alive, of both versions");
  }

  private void leave(String replica) {
    RedisKeys keys = names(Objects.requireNonNull(live.remove(replica)));
    Step survey = new Step.Survey(replica, 0, List.of(), List.of(), List.of());
    List<Object> args = survey.args(clock());
    args.set(4, "leave");
    args.set(6, "0 0 - " + shares);
    assertEquals(1L, wire.call(survey.script(), survey.keys(keys), args.toArray()).getFirst());
  }

  private void ask(int form) {
    Step one =
        Step.acquire(
            "id" + ids++,
            Objects.requireNonNull(epochs.get(form)),
            0,
            0,
            30_000,
            List.of("k:key0", "g:account0/model"));
    List<Object> reply = wire.call(one, names(form), clock());
    if (reply.get(reply.size() - 5).equals(1L)) {
      granted.add(micros);
      grantedBy.add(form);
    }
  }

  private void run(long until) {
    for (; micros < until; micros += STEP) {
      int n = 0;
      for (Map.Entry<String, Integer> replica : Map.copyOf(live).entrySet()) {
        if ((micros + n++ * STEP) % (SECOND / 2) == 0) {
          beat(replica.getKey(), replica.getValue());
        }
        ask(replica.getValue());
      }
    }
  }

  /** The least that a provider's bucket has left, which was full at first. */
  private double leastLeft() {
    double left = LIMIT;
    double least = left;
    long last = 0;
    for (long at : granted) {
      left = Math.min(LIMIT, left + (double) (at - last) * LIMIT / WINDOW) - 1;
      least = Math.min(least, left);
      last = at;
    }
    return least;
  }

  private long within(long from, long to) {
    return granted.stream().filter(at -> at >= from && at < to).count();
  }

  private static String replica(int n, int form) {
    return "r" + n + "of" + form;
  }

  private void joinAll(int form) {
    for (int n = 1; n <= 3; n++) {
      join(replica(n, form), form);
    }
  }

  private void leaveAll(int form) {
    for (int n = 1; n <= 3; n++) {
      leave(replica(n, form));
    }
  }

  private void replace(int n, int form, long pause) {
    leave(replica(n, form == OLD ? NEW : OLD));
    run(micros + pause);
    join(replica(n, form), form);
  }

  private void replaceAll(int form) {
    for (int n = 1; n <= 3; n++) {
      replace(n, form, 2 * SECOND);
      run(micros + 20 * SECOND);
    }
  }

  private void begin() {
    joinAll(OLD);
    run(FULL);
  }

  @ParameterizedTest
  @EnumSource
  void an_upgrade_and_a_rollback_refuse_no_call_and_stay_within_the_limit(Fallback fallback) {
    shares = fallback == Fallback.FAIR_SHARE ? "1" : "0";
    begin();
    replaceAll(NEW);
    run(micros + 5 * WINDOW);
    long upgraded = micros;
    assertEquals(NEW, grantedBy.getLast(), "the new version serves");
    replaceAll(OLD);
    run(micros + 5 * WINDOW);
    assertEquals(OLD, grantedBy.getLast(), "the old version serves again");
    assertTrue(leastLeft() >= 0, "the provider refuses: " + leastLeft());
    for (long at : List.of(upgraded, micros)) {
      long used = within(at - WINDOW, at);
      assertTrue(used >= 0.97 * LIMIT, "used after it: " + used);
    }
    long worst = Long.MAX_VALUE;
    for (long at = FULL; at <= micros - WINDOW; at += SECOND) {
      worst = Math.min(worst, within(at, at + WINDOW));
    }
    assertTrue(
        worst >= 0.6 * LIMIT, "least in a window meanwhile: " + worst + " left " + leastLeft());
  }

  @Test
  void both_versions_mirror_one_bucket() {
    accounting = Accounting.TOKEN_BUCKET;
    begin();
    replaceAll(NEW);
    run(micros + 3 * WINDOW);
    assertTrue(leastLeft() >= 0, "the provider refuses: " + leastLeft());
    assertTrue(within(micros - WINDOW, micros) >= 0.98 * LIMIT, "used after it");
  }

  @Test
  void a_version_that_begins_just_after_another_has_gone_starts_without_burst() {
    begin();
    leaveAll(OLD);
    long stopped = micros;
    micros += 2 * SECOND;
    joinAll(NEW);
    run(stopped + WINDOW);
    assertTrue(leastLeft() >= 0, "the provider refuses: " + leastLeft());
    run(stopped + 5 * WINDOW);
    long used = within(micros - WINDOW, micros);
    assertTrue(used >= 0.97 * LIMIT, "used after it: " + used);
  }

  @Test
  void a_version_that_begins_long_after_another_has_gone_has_its_burst() {
    begin();
    leaveAll(OLD);
    micros += 2 * WINDOW;
    join(replica(1, NEW), NEW);
    for (int n = 0; n < LIMIT; n++) {
      ask(NEW);
    }
    long atOnce = within(micros, micros + 1);
    assertTrue(atOnce >= LIMIT / 2, "at once: " + atOnce);
  }

  /** Else it would keep the other's state, and its own, from their end. */
  @Test
  void a_version_does_not_touch_the_state_of_another() {
    begin();
    leave(replica(1, OLD));
    byte[] before = wire.redis().dump(names(OLD).state);
    long ttl = wire.redis().pttl(names(OLD).state);
    live.clear();
    live.put(replica(2, OLD), OLD);
    live.put(replica(3, OLD), OLD);
    join(replica(1, NEW), NEW);
    for (int n = 0; n < 20; n++) {
      micros += SECOND / 2;
      ask(NEW);
    }
    assertEquals(
        RedisKeys.text(Base64.getEncoder().encode(before)),
        RedisKeys.text(Base64.getEncoder().encode(wire.redis().dump(names(OLD).state))));
    assertTrue(wire.redis().pttl(names(OLD).state) <= ttl);
  }
}
