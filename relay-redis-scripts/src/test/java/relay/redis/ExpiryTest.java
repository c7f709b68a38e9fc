package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Usage;
import relay.redis.script.RedisKeys;
import relay.redis.walk.ChargeStep;
import relay.redis.walk.Clock;
import relay.redis.walk.CooldownStep;
import relay.redis.walk.HeldLease;
import relay.redis.walk.QuarantineStep;
import relay.redis.walk.RestoreStep;
import relay.redis.walk.Step;
import relay.redis.walk.StoredPool;
import relay.redis.walk.TallyStep;
import relay.redis.walk.Wish;

/** All state in Redis expires; how much memory it takes until then. */
final class ExpiryTest {
  private static final long START = 1_790_000_000_000_000L;
  private static final long SECOND = 1_000_000;

  private final PoolPlan plan =
      Pools.plan("expiry", Duration.ofMinutes(1), 2, new Limits(1_000, 100_000, 100_000, 200_000));
  private final String pool = Pools.name("p");
  private final RedisKeys names = new RedisKeys("expiry", pool);
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private long micros = START;

  @BeforeEach
  void configure() {
    run(new Step.Configure(0, 7, plan));
  }

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private List<Object> run(Step step) {
    List<Object> reply = call(step);
    for (String name : wire.names("expiry:{" + pool + "}:")) {
      long ttl = wire.redis().pttl(RedisKeys.bytes(name));
      if (name.endsWith(":learned")) {
        assertTrue(ttl > 0 && ttl <= Duration.ofDays(30).toMillis(), name + " " + ttl);
      } else if (name.contains(":session:")) {
        assertTrue(ttl > 0 && ttl <= Duration.ofHours(1).toMillis(), name + " " + ttl);
      } else if (name.endsWith(":quarantine")) {
        assertEquals(-1, ttl, "a quarantine outlives everything");
      } else {
        assertTrue(ttl > 0, name + " never goes away after " + step);
        // ten minutes, and two windows or two leases
        assertTrue(ttl <= 720_000, name + " stays " + ttl + " ms after " + step);
      }
    }
    return reply;
  }

  private List<Object> call(Step step) {
    return wire.call(step, names, new Clock(micros, 0));
  }

  private Step.Acquire acquire(String id) {
    return Step.acquire(
        id, 7, 10, 10, 30_000, List.of("k:key0", "g:account0/model", "k:key1", "g:account1/model"));
  }

  @Test
  void every_key_but_the_quarantine_has_a_time_to_live_after_every_call() {
    assertEquals(1L, run(acquire("a")).getFirst());
    micros += SECOND;
    assertEquals(1L, run(acquire("b")).getFirst());
    run(acquire("b"));
    micros += SECOND;
    run(new Step.Renew(60_000, List.of(HeldLease.of("a"), HeldLease.of("b"))));
    run(Step.settle("a", 20, 20));
    run(Step.settle("a", 20, 20));
    run(Step.cancel("never"));
    run(Step.cancel("b"));
    // the set of leases disappears with its last member and is created again
    assertEquals(1L, run(acquire("c")).getFirst());
    micros += 2 * SECOND;
    run(ChargeStep.ended("d", "account1/model", 1, 5, 5));
    micros += SECOND;
    run(ChargeStep.ended("e", "account1/model", 1, 5, 5));
    run(new CooldownStep("g:account0/model", 0, 1));
    run(new CooldownStep("k:key0", 500, 0));
    run(new Step.Observe("account0/model", List.of(90L, 0L, 0L, 0L), List.of()));
    run(new QuarantineStep("no credit left", List.of("key0")));
    run(new Step.Survey("r1", 1, plan.groups(), plan.keys(), List.of()));
    run(new Step.Survey("", 1, plan.groups(), plan.keys(), List.of()));
    run(new RestoreStep(List.of("k:key0", "g:account0/model"), List.of()));
    run(tally(1));
    run(tally(0));
    micros += 120 * SECOND;
    run(acquire("f"));
    run(Step.settle("f", 1, 1));
    run(
        new Step.Configure(
            7, 8, Pools.plan("expiry", Duration.ofSeconds(30), 3, new Limits(1, 1, 1, 1))));
    run(new Step.Survey("r1", 1, plan.groups(), plan.keys(), List.of()));
  }

  private static Step tally(long inFlight) {
    Usage used = new Usage(1, 5, 5);
    return new TallyStep("r1", 30_000, List.of(new TallyStep.Told("team", used, inFlight)));
  }

  @Test
  void a_call_extends_the_ttl_of_requests_in_flight() {
    run(tally(1));
    assertEquals(true, wire.redis().pexpire(names.running("r1"), 1_000));
    run(new TallyStep("r1", 30_000, List.of()));
    assertTrue(wire.redis().pttl(names.running("r1")) > 1_000);
  }

  @Test
  void a_conversation_is_forgotten_an_hour_after_its_last_request() {
    List<String> fields = List.of("k:key0", "g:account0/model");
    List<Wish> wishes = List.of(new Wish("a", 10, 10, "talk"));
    assertEquals(1L, run(new Step.Acquire(wishes, 7, 30_000, fields)).get(2));
    assertEquals(
        "g:account0/model", ScriptConnection.text(wire.redis().get(names.session("any", "talk"))));
  }

  @Test
  void the_index_of_a_large_pool_expires() {
    List<String> sets = List.of("ready:model:0");
    List<Object> rows = List.of(1, "key0", "account0/model", 0, 1, "key1", "account1/model", 1);
    run(new Step.Configure(7, 8, plan, sets, rows));
    Wish wish = new Wish("a", 10, 10, "");
    Step acquire =
        new Step.AcquireIndexed(
            List.of(), List.of(wish), 7, 30_000, sets, sets, List.of(), List.of());
    assertEquals(1L, run(acquire).get(2));
    putOff(acquire, RedisKeys.bytes(names.base() + "ready:model:0"));
    putOff(acquire, RedisKeys.bytes(names.base() + "ready:model:0:account1/model"));
  }

  @Test
  void a_call_extends_a_pools_ttl() {
    run(acquire("a"));
    putOff(acquire("b"), names.state);
    putOff(acquire("c"), names.leases);
    putOff(acquire("d"), names.due);
    run(new Step.Renew(60_000, List.of(HeldLease.of("d"))));
    putOff(acquire("e"), names.later);
    putOff(new Step.Renew(60_000, List.of(HeldLease.of("e"))), names.state);
    putOff(new Step.Survey("r1", 1, plan.groups(), plan.keys(), List.of()), names.state);
  }

  /** A call a minute after the last one extends every TTL. */
  private void putOff(Step step, byte[] key) {
    assertEquals(true, wire.redis().pexpire(key, 60_000));
    micros += 61 * SECOND;
    run(step);
    assertTrue(
        wire.redis().pttl(key) > 600_000, () -> ScriptConnection.text(key) + " after " + step);
  }

  @Test
  void a_call_extends_a_pools_ttl_when_no_lease_is_due() {
    List<String> fields = List.of("k:key0", "g:account0/model");
    call(Step.acquire("a", 7, 10, 10, 3_600_000, fields));
    putOff(Step.acquire("b", 7, 10, 10, 3_600_000, fields), names.state);
    putOff(Step.acquire("c", 7, 10, 10, 3_600_000, fields), names.leases);
  }

  @Test
  void a_call_for_one_account_extends_the_ttl_of_the_others_usage() {
    for (int n = 0; n < StoredPool.MOST_FEW + 2; n++) {
      call(Step.acquire("a" + n, 7, 10, 10, 3_600_000, List.of("k:key0", "g:account0/model")));
      micros += SECOND / 2;
    }
    assertTrue(wire.redis().pttl(names.win) > 600_000);
    putOff(
        Step.acquire("c", 7, 10, 10, 3_600_000, List.of("k:key1", "g:account1/model")), names.win);
  }

  @Test
  void the_sorted_set_of_leases_expires() {
    List<String> fields = List.of("k:key0", "g:account0/model");
    run(Step.acquire("a", 7, 10, 10, 3_600_000, fields));
    micros += SECOND;
    run(Step.acquire("b", 7, 10, 10, 30_000, fields));
    run(new Step.Settle(List.of(new Step.Cost("b", 1, 5, 5), new Step.Cost("never", 0, 0, 0))));
    assertEquals(2, wire.redis().zcard(names.later));
  }

  @Test
  void a_quarantine_survives_its_pools_state() {
    run(new QuarantineStep("no credit left", List.of("key0")));
    assertEquals(1, wire.redis().del(names.state));
    run(new Step.Configure(0, 7, plan));
    Step acquire = Step.acquire("a", 7, 10, 10, 30_000, List.of("k:key0", "g:account0/model"));
    assertEquals(-2L, run(acquire).get(2));
    assertEquals("key1", run(acquire("b")).get(3));
  }

  @Test
  void the_memory_of_groups_and_leases_is_bounded() {
    long before = memory(names.state, names.win);
    for (int slot = 0; slot < 300; slot++) {
      micros += 250_000;
      call(ChargeStep.ended("c" + slot, "account0/model", 1, 5, 5));
      call(ChargeStep.ended("d" + slot, "account1/model", 1, 5, 5));
    }
    long group = (memory(names.state, names.win) - before) / 2;
    micros += 120 * SECOND;
    call(new Step.Survey("r1", 1, plan.groups(), plan.keys(), List.of()));
    for (int n = 0; n < 1_000; n++) {
      micros += 1_000;
      call(Step.acquire("lease-" + n, 7, 1, 1, 30_000, List.of("k:key0", "g:account0/model")));
    }
    long lease = memory(names.leases, names.due, names.later) / wire.redis().hlen(names.leases);
    System.out.printf("Memory: %d bytes a full group, %d a lease%n", group, lease);
    assertTrue(group < 16_000, "a group takes " + group + " bytes");
    assertTrue(lease < 300, "a lease takes " + lease + " bytes");
  }

  private long memory(byte[]... keys) {
    long sum = 0;
    for (byte[] key : keys) {
      Long bytes = wire.redis().memoryUsage(key);
      sum += bytes == null ? 0 : bytes; // null if it is empty
    }
    return sum;
  }
}
