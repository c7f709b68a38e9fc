package relay.redis;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.RestoreArgs;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import relay.redis.library.ScriptFile;
import relay.redis.link.RedisLink;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.QuarantineStep;
import relay.redis.walk.RestoreStep;
import relay.redis.walk.Step;
import relay.redis.walk.StoredPool;

/**
 * The library caches a pool's records between calls. A call must notice every other change of the
 * data in Redis.
 */
final class KeptRecordsTest {
  private static final int FILL = StoredPool.MOST_FEW + 2; // used slots
  private static final String KEY = "k:key0";
  private static final String GROUP = "g:account0/model";
  private static final long SLOT = 251_042; // more than a slot of a minute's window
  private static final int INPUT = 1; // index of the used input tokens

  private final RedisKeys names = new RedisKeys("kept", Pools.name("p"));
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  /** A second library in the same Redis, as another version would have. */
  private final ScriptConnection other =
      ScriptConnection.faulty(RedisUnderTest.url(), "kept_count > 100000", "kept_count > 99999");

  private long micros = 1_790_000_000_000_000L;

  @BeforeEach
  void configure() {
    PoolPlan plan =
        Pools.plan("kept", Duration.ofMinutes(1), 2, new Limits(1_000, 10_000, 10_000, 0));
    call(wire, new Step.Configure(0, 7, plan));
  }

  @AfterEach
  void disconnect() {
    wire.close();
    other.close();
  }

  private List<Object> call(ScriptConnection by, Step step) {
    return by.call(step, names, new Clock(micros, 0));
  }

  private List<Object> acquire(ScriptConnection by, String id) {
    return call(by, Step.acquire(id, 7, 10, 10, 30_000, List.of(KEY, GROUP)));
  }

  /** Uses more slots of the window than the group's own record holds. */
  private void fillRing() {
    for (int n = 0; n < FILL; n++) {
      micros += SLOT;
      assertEquals(1L, acquire(wire, "ring" + n).get(2));
    }
    assertEquals(1, wire.redis().exists(names.win));
  }

  private double used(int d) {
    return new StoredPool(wire.redis().hgetall(names.state)).number(GROUP, 1 + StoredPool.USED + d);
  }

  private double inFlight() {
    return new StoredPool(wire.redis().hgetall(names.state)).number(KEY, StoredPool.KEY_FLIGHT);
  }

  @Test
  void two_versions_of_the_library_see_each_others_writes() {
    for (int n = 0; n < 100; n++) {
      assertEquals(1L, acquire(n % 3 == 0 ? other : wire, "l" + n).get(2));
      assertEquals(n + 1, used(0));
      if (n % 2 == 1) {
        call(n % 5 == 0 ? other : wire, Step.settle("l" + (n - 1), 10, 10));
      }
      assertEquals(n + 1 - (n + 1) / 2, inFlight());
      micros += SLOT / 10;
    }
  }

  @Test
  void a_write_in_the_same_microsecond_is_seen() {
    acquire(wire, "a");
    call(wire, Step.settle("a", 10, 10));
    call(other, new QuarantineStep("no credit", List.of("key0")));
    assertEquals(-2L, acquire(wire, "b").get(2));
    call(other, new RestoreStep(List.of(KEY), List.of()));
    assertEquals(1L, acquire(wire, "b").get(2));
  }

  @Test
  void a_restored_copy_is_read_again() {
    acquire(wire, "a");
    byte[] copy = wire.redis().dump(names.state);
    acquire(wire, "b");
    acquire(wire, "c");
    assertEquals(3, used(0));
    wire.redis().restore(names.state, copy, RestoreArgs.Builder.ttl(600_000).replace());
    assertEquals(1L, acquire(wire, "d").get(2));
    assertEquals(2, used(0));
    assertEquals(2, inFlight());
  }

  @Test
  void a_copy_of_the_same_microsecond_is_read_again() {
    acquire(wire, "a");
    byte[] copy = wire.redis().dump(names.state);
    call(wire, new QuarantineStep("no credit", List.of("key0")));
    assertEquals(-2L, acquire(wire, "b").get(2));
    call(wire, new RestoreStep(List.of(KEY), List.of()));
    call(wire, new QuarantineStep("no credit", List.of("key0")));
    wire.redis().restore(names.state, copy, RestoreArgs.Builder.ttl(600_000).replace());
    assertEquals(1L, acquire(wire, "b").get(2));
  }

  @Test
  void a_failed_call_leaves_nothing_cached() {
    acquire(wire, "a");
    fillRing();
    byte[] windows = wire.redis().dump(names.win);
    wire.redis().set(names.win, RedisKeys.bytes("not a hash"));
    // excess input is charged before the refund of output fails
    assertThrows(RuntimeException.class, () -> call(wire, Step.settle("a", 25, 5)));
    wire.redis().restore(names.win, windows, RestoreArgs.Builder.ttl(600_000).replace());
    assertEquals(15L, call(wire, Step.settle("a", 25, 5)).get(2));
    assertEquals(25 + FILL * 10, used(INPUT));
    assertEquals(FILL, inFlight());
  }

  @Test
  void a_record_of_another_size_is_refused_and_left_alone_and_the_error_names_the_key() {
    acquire(wire, "a");
    for (String field : List.of(GROUP, "pool")) {
      byte[] good = wire.redis().hget(names.state, RedisKeys.bytes(field));
      byte[] other = Arrays.copyOf(good, good.length + 8);
      wire.redis().hset(names.state, RedisKeys.bytes(field), other);
      List<Step> steps =
          List.of(
              Step.acquire("c", 7, 10, 10, 30_000, List.of(KEY, GROUP)),
              new Step.Configure(
                  7, 8, Pools.plan("kept", Duration.ofMinutes(1), 2, new Limits(1, 1, 1, 0))));
      for (Step step : steps) {
        Throwable refusal = assertThrows(CompletionException.class, () -> call(this.other, step));
        String why = String.valueOf(RedisLink.cause(refusal).getMessage());
        assertTrue(why.startsWith("SCHEMA a "), why);
        assertTrue(why.contains("DEL " + RedisKeys.text(names.state)), why);
      }
      assertArrayEquals(other, wire.redis().hget(names.state, RedisKeys.bytes(field)));
      wire.redis().hset(names.state, RedisKeys.bytes(field), good);
    }
    assertEquals(1L, acquire(this.other, "d").get(2));
  }

  /** With what is cached of pools their queues would go. */
  @Test
  void many_budgets_leave_what_is_cached_of_pools() {
    try (ScriptConnection few =
        ScriptConnection.faulty(RedisUnderTest.url(), "kept_count > 100000", "kept_count > 1000")) {
      SharedPool pool = new SharedPool(few, 1, new Limits(10, 0, 0, 0));
      List<Long> told = pool.client("one", 1).askTimes(10);
      long waiting = told.stream().filter(wait -> wait > 0).count();
      byte[][] keys = {names.budgets};
      for (int n = 0; n < 300; n++) {
        String line = "client" + n + " usd/day=1000 tokens/month=1000";
        few.call(ScriptFile.BUDGETS, keys, "-", line, " 0 0 0 0");
      }
      assertEquals(
          waiting, Objects.requireNonNull(ClientStatesTest.standings(pool).get("one")).waiting());
    }
  }
}
