package relay.redis.script;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.FaultyRedis;
import relay.redis.KeyPool;
import relay.redis.Pools;
import relay.redis.RedisEngine;
import relay.redis.ScriptConnection;
import relay.redis.library.ScriptFile;
import relay.redis.link.RedisGoneException;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.walk.Clock;
import relay.redis.walk.StepKeys;

/** A change of a large plan holds Redis up for moments only, however many keys it has. */
@Tag("slow")
final class LargePlanTest {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final int KEYS = 4_000;
  private static final int MOST_COMMANDS = 100; // in one call
  private static final int MOST_OF_KNOWN = 12; // in a call that tells nothing new

  private final FaultyRedis redis = FaultyRedis.start();
  private final ScriptConnection wire = new ScriptConnection(redis.url());
  private final RedisKeys names = new RedisKeys("test", "large");
  private Clock clock = new Clock(1_790_000_000_000_000L, 0);

  @AfterEach
  void close() {
    wire.close();
    redis.close();
  }

  /** Keys that demands name, as clients are; each has an account of its own. */
  private static PoolPlan plan(int from, int to) {
    List<KeyPlan> keys =
        IntStream.range(from, to).mapToObj(n -> new KeyPlan("k" + n, "a" + n, 0, 1, 1)).toList();
    return Pools.named(Pools.plan("large", Duration.ofMinutes(1), keys, new Limits(100, 0, 0, 0)));
  }

  /** A replica announces a plan; returns the most commands that Redis ran in one call. */
  private long announce(String replica, PoolPlan plan) {
    return announce(replica, plan, 0, KEYS / ScriptCaller.MAX_KEYS);
  }

  /** The parts from this to before that. */
  private long announce(String replica, PoolPlan plan, int from, int to) {
    Announcement pool = new Announcement(new Candidates(plan, names), ScriptCaller.MAX_KEYS);
    byte[][] keys = StepKeys.configured(names);
    long most = 0;
    for (int part = from; part < to; part++) {
      List<Object> args = new ArrayList<>(List.of(clock.ceiling(), clock.told()));
      pool.args(part, 0, Math.min(part, 1), replica, ConfigMark.NONE)
          .forEach(arg -> args.add(ScriptConnection.text(arg)));
      long before = commands();
      wire.call(ScriptFile.CONFIGURE, keys, args.toArray());
      most = Math.max(most, commands() - before);
    }
    return most;
  }

  /** A replica's heartbeat: whether it is to announce its plan again. */
  private boolean isAskedAgain(String replica, PoolPlan plan) {
    byte[][] keys = StepKeys.surveyed(names);
    String config = ConfigMark.NONE.line(new Candidates(plan, names).planId());
    List<Object> reply =
        wire.call(
            ScriptFile.SURVEY, keys, replica, clock.ceiling(), clock.told(), 0, config, 0, "-");
    return ((List<?>) reply.get(7)).getFirst().equals(1L);
  }

  private long commands() {
    return wire.redis()
        .info("commandstats")
        .lines()
        .filter(line -> line.startsWith("cmdstat_h"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("^[^:]*:calls=(\\d+),.*$", "$1")))
        .sum();
  }

  @Test
  void no_call_of_a_change_grows_with_the_plan() {
    long first = announce("r1", plan(0, KEYS));
    long next = announce("r1", plan(1, KEYS + 1));
    assertTrue(first < MOST_COMMANDS && next < MOST_COMMANDS, first + " and " + next);
  }

  @Test
  void a_replica_with_a_plan_that_redis_has_writes_no_key_again() {
    long first = announce("r1", plan(0, KEYS));
    long second = announce("r2", plan(0, KEYS));
    assertTrue(first > MOST_OF_KNOWN && second <= MOST_OF_KNOWN, first + " and " + second);
  }

  @Test
  void while_one_replica_announces_a_plan_anew_no_other_does() {
    PoolPlan old = plan(0, KEYS);
    PoolPlan next = plan(1, KEYS + 1);
    announce("r1", old);
    assertFalse(isAskedAgain("r1", old));
    announce("r2", next);
    assertFalse(isAskedAgain("r2", next));
    announce("r1", next, 0, 1); // the limits of the old plan still hold
    assertFalse(isAskedAgain("r1", next));
    assertFalse(isAskedAgain("r2", next));
    clock = new Clock(clock.given() + 1_000_000, 0); // r1 has died
    assertTrue(isAskedAgain("r2", next));
    announce("r2", next);
    assertFalse(isAskedAgain("r2", next));
  }

  @Test
  void what_no_plan_has_is_forgotten_little_by_little() {
    try (RedisEngine engine =
        RedisEngine.start(Pools.options(redis.url(), "r", Fallback.CLOSED, SOON))) {
      KeyPool pool = engine.pool(plan(0, KEYS));
      pool.configure().join();
      pool.reconfigure(plan(KEYS - 10, KEYS)).join();
      assertTrue(keys() > KEYS / 2, "one call looked at everything");
      Await.until("the keys of the old plan are forgotten", SOON, () -> keys() == 10);
      assertEquals(10, pool.snapshot().join().keys().size());
    }
  }

  private long keys() {
    return wire.redis().hkeys(names.state).stream()
        .filter(field -> ScriptConnection.text(field).startsWith("k:"))
        .count();
  }

  @Test
  void a_call_without_an_answer_in_time_is_sent_again_some_times() {
    AtomicInteger calls = new AtomicInteger();
    assertEquals(3, ScriptCaller.repeated(() -> late(calls, 3)).join());
    calls.set(0);
    assertThrows(
        CompletionException.class, () -> ScriptCaller.repeated(() -> late(calls, 4)).join());
    assertEquals(3, calls.get());
    calls.set(0);
    CompletableFuture<Integer> gone =
        ScriptCaller.repeated(
            () -> {
              calls.incrementAndGet();
              return CompletableFuture.failedFuture(new RedisGoneException());
            });
    assertThrows(CompletionException.class, gone::join);
    assertEquals(1, calls.get());
  }

  /** Only the call of this number is answered in time. */
  private static CompletableFuture<Integer> late(AtomicInteger calls, int answered) {
    int call = calls.incrementAndGet();
    return call == answered
        ? CompletableFuture.completedFuture(call)
        : CompletableFuture.failedFuture(new TimeoutException());
  }
}
