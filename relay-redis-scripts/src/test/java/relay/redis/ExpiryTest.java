package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import relay.redis.PoolModel.Clock;

/** What is left in Redis goes away by itself, and how much memory it takes till then. */
final class ExpiryTest {
  private static final long START = 1_790_000_000_000_000L;
  private static final long SECOND = 1_000_000;

  private final PoolPlan plan =
      Pools.plan("expiry", Duration.ofMinutes(1), 2, new Limits(1_000, 100_000, 100_000, 200_000));
  private final String pool = Pools.name("p");
  private final RedisKeys names = new RedisKeys("expiry", pool);
  private final Wire wire = new Wire(RedisUnderTest.url());
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
    return wire.call(step.script(), step.keys(names), step.args(new Clock(micros, 0)).toArray());
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
    run(new Step.Renew(60_000, List.of("a", "b")));
    run(Step.settle("a", 20, 20));
    run(Step.settle("a", 20, 20));
    run(Step.cancel("never"));
    run(Step.cancel("b"));
    // the set of leases is gone with the last of them, and comes again
    assertEquals(1L, run(acquire("c")).getFirst());
    micros += 2 * SECOND;
    run(new Step.Charge("d", "account1/model", 1, 5, 5));
    micros += SECOND;
    run(new Step.Charge("e", "account1/model", 1, 5, 5));
    run(new Step.Cooldown("g:account0/model", 0, 1));
    run(new Step.Cooldown("k:key0", 500, 0));
    run(
        new Step.Observe(
            "account0/model", List.of(90L, 0L, 0L, 0L), List.of(-1L, -1L, -1L, -1L), List.of()));
    run(new Step.Quarantine("no credit left", List.of("key0")));
    run(new Step.Survey("r1", 0, plan.groups(), plan.keys(), List.of()));
    run(new Step.Survey("", 0, plan.groups(), plan.keys(), List.of()));
    run(new Step.Restore(List.of("k:key0", "g:account0/model"), List.of()));
    micros += 120 * SECOND;
    run(acquire("f"));
    run(Step.settle("f", 1, 1));
    run(
        new Step.Configure(
            7, 8, Pools.plan("expiry", Duration.ofSeconds(30), 3, new Limits(1, 1, 1, 1))));
    run(new Step.Survey("r1", 0, plan.groups(), plan.keys(), List.of()));
  }

  @Test
  void the_memory_of_groups_and_leases_is_bounded() {
    long before = memory(names.state, names.win);
    for (int slot = 0; slot < 300; slot++) {
      micros += 250_000;
      call(new Step.Charge("c" + slot, "account0/model", 1, 5, 5));
      call(new Step.Charge("d" + slot, "account1/model", 1, 5, 5));
    }
    long group = (memory(names.state, names.win) - before) / 2;
    micros += 120 * SECOND;
    call(new Step.Survey("r1", 0, plan.groups(), plan.keys(), List.of()));
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
