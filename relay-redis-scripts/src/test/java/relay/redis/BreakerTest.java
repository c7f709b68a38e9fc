package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.ProviderBreaker.Passage;
import relay.redis.ProviderBreaker.Standing;
import relay.redis.ProviderBreaker.State;
import relay.redis.library.ScriptFile;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.script.RedisKeys;

/** The breaker by its script on a virtual clock, and as two replicas see it. */
@Tag("slow")
final class BreakerTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final List<Object> TRIES = List.of(2L, 30_000L, 1L);
  private static final List<Object> ANOTHER_TRIES = List.of(2L, 30_000L, 0L);

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final byte[] name = RedisKeys.bytes(Pools.name("breaker"));
  private long nowMs = 1_000_000;

  @AfterEach
  void close() {
    wire.close();
  }

  /**
   * @param sources of each: its name, failures, successes
   */
  private List<Object> report(
      int failures, int successes, String probe, String caller, Object... sources) {
    List<Object> args = new ArrayList<>(List.of(nowMs * 1000, failures, successes, probe, caller));
    Collections.addAll(args, sources);
    List<Object> reply = wire.call(ScriptFile.BREAKER, new byte[][] {name}, args.toArray());
    return reply.subList(1, reply.size());
  }

  /** Opens the breaker; after its pause this caller tries. */
  private void tries(String caller) {
    report(10, 0, "", "a");
    nowMs += 2000;
    assertEquals(TRIES, report(0, 0, "ask", caller));
  }

  /** An observer if the name is empty. */
  private static RedisEngine replica(String name) {
    return RedisEngine.start(options(name));
  }

  private static EngineOptions options(String name) {
    return Pools.options(RedisUnderTest.url(), name, Fallback.CLOSED);
  }

  /** What the breaker's hash holds of sources. */
  private Map<String, String> sources(byte[] key) {
    Map<String, String> found = new TreeMap<>();
    wire.redis()
        .hgetall(key)
        .forEach(
            (field, value) ->
                found.put(ScriptConnection.text(field), ScriptConnection.text(value)));
    found.keySet().removeIf(field -> !field.contains(" "));
    return found;
  }

  private static List<Object> closed() {
    return List.of(0L, 0L, 0L);
  }

  private static List<Object> open(long waitMs) {
    return List.of(1L, waitMs, 0L);
  }

  @Test
  void few_failures_leave_it_closed_and_ten_within_the_window_open_it() {
    assertEquals(closed(), report(9, 0, "", "a"));
    assertEquals(open(2000), report(1, 0, "", "b"));
    assertEquals("open", ScriptConnection.text(wire.redis().hget(name, RedisKeys.bytes("state"))));
    long ttl = wire.redis().pttl(name);
    assertTrue(ttl > 0 && ttl <= 600_000, "ttl " + ttl);
  }

  @Test
  void failures_far_apart_do_not_add_up() {
    for (int n = 0; n < 5; n++) {
      assertEquals(closed(), report(9, 0, "", "a"));
      nowMs += 10_000;
    }
  }

  @Test
  void while_most_requests_succeed_it_stays_closed() {
    assertEquals(closed(), report(0, 100, "", "a"));
    assertEquals(closed(), report(99, 0, "", "a"));
    assertEquals(open(2000), report(1, 0, "", "a"));
  }

  @Test
  void failures_of_one_source_leave_it_closed_while_others_succeed() {
    assertEquals(closed(), report(30, 10, "", "a", "client bad", 30, 0));
    assertEquals(closed(), report(30, 0, "", "b", "client bad", 30, 0));
    assertEquals(open(2000), report(10, 0, "", "b"), "without it, as many fail as succeed");
  }

  @Test
  void a_source_of_all_requests_opens_it_as_if_there_were_no_source() {
    assertEquals(closed(), report(12, 13, "", "a", "client only", 12, 13, "model m", 12, 13));
    assertEquals(open(2000), report(1, 0, "", "a", "client only", 1, 0, "model m", 1, 0));
  }

  @Test
  void sources_are_bounded_and_forgotten_with_their_window() {
    for (int n = 0; n < 70; n++) {
      assertEquals(closed(), report(1, 2, "", "a", "client " + n, 1, 0));
    }
    assertEquals(7 + 2 * 64, wire.redis().hgetall(name).size());
    nowMs += 10_000;
    assertEquals(closed(), report(1, 0, "", "a"));
    assertEquals(7, wire.redis().hgetall(name).size());
  }

  @Test
  void a_replica_reports_the_sources_of_failures_with_their_successes() {
    String pool = Pools.name("sources");
    try (RedisEngine one = replica("r1")) {
      ProviderBreaker breaker = one.breaker(pool);
      Passage free = new Passage.Free();
      for (int n = 0; n < 20; n++) {
        breaker.failed(free, "bad", "m");
        breaker.succeeded(free, "bad", "m");
        breaker.succeeded(free, "good", "m");
      }
      byte[] key = new RedisKeys(options("r1").prefix(), pool).breaker;
      Await.until(
          "all is reported",
          SOON,
          () ->
              Arrays.equals(
                  RedisKeys.bytes("40"), wire.redis().hget(key, RedisKeys.bytes("successes"))));
      assertEquals(
          Map.of(
              "failures client bad", "20",
              "successes client bad", "20",
              "failures model m", "20",
              "successes model m", "40"),
          sources(key));
      assertEquals(State.CLOSED, breaker.state());
    }
  }

  @Test
  void one_trial_runs_at_a_time_and_its_success_closes_it() {
    report(10, 0, "", "a");
    nowMs += 1999;
    assertEquals(open(1), report(0, 0, "ask", "a"));
    nowMs += 1;
    assertEquals(TRIES, report(0, 0, "ask", "a"));
    assertEquals(ANOTHER_TRIES, report(0, 0, "ask", "b"));
    assertEquals(closed(), report(0, 0, "good", "a"));
    assertEquals(closed(), report(9, 0, "", "b"), "it counts anew");
  }

  @Test
  void each_failed_trial_doubles_the_pause_up_to_a_minute() {
    report(10, 0, "", "a");
    long pause = 2000;
    for (int n = 0; n < 8; n++) {
      nowMs += pause;
      assertEquals(1L, report(0, 0, "ask", "a").get(2));
      pause = Math.min(60_000, 2 * pause);
      assertEquals(open(pause), report(1, 0, "bad", "a"));
    }
  }

  @Test
  void a_trial_that_never_ends_is_replaced() {
    tries("a");
    nowMs += 30_000;
    assertEquals(TRIES, report(0, 0, "ask", "b"));
    assertEquals(ANOTHER_TRIES, report(1, 0, "bad", "a"), "no longer the one that tries");
    assertEquals(open(4000), report(1, 0, "bad", "b"));
  }

  @Test
  void an_unused_trial_is_returned_and_another_replica_may_try_at_once() {
    tries("a");
    assertEquals(ANOTHER_TRIES, report(0, 0, "back", "b"), "it is not b's");
    assertEquals(open(0), report(0, 0, "back", "a"));
    assertEquals(TRIES, report(0, 0, "ask", "b"));
  }

  @Test
  void an_unused_trial_is_free_for_another_replica() {
    String pool = Pools.name("idle");
    try (RedisEngine one = replica("r1");
        RedisEngine two = replica("r2")) {
      ProviderBreaker idle = one.breaker(pool);
      ProviderBreaker busy = two.breaker(pool);
      idle.abandoned(firstTrial(idle));
      Await.until("the busy one may try", SOON, () -> busy.enter() instanceof Passage.Trial);
    }
  }

  /** Otherwise a rarely used provider would never be tried. */
  @Test
  void the_first_request_after_the_pause_is_the_trial_however_late() {
    try (RedisEngine engine = replica("r1")) {
      ProviderBreaker breaker = engine.breaker(Pools.name("seldom"));
      Passage trial = firstTrial(breaker);
      assertInstanceOf(Passage.Refused.class, breaker.enter(), "one at a time");
      breaker.succeeded(trial, "acme", "m");
      assertInstanceOf(Passage.Free.class, breaker.enter());
    }
  }

  @Test
  void during_a_trial_the_retry_time_is_shorter_than_the_trials_timeout() {
    try (RedisEngine engine = replica("r1")) {
      ProviderBreaker breaker = engine.breaker(Pools.name("tried"));
      var _ = firstTrial(breaker);
      Passage.Refused barred = assertInstanceOf(Passage.Refused.class, breaker.enter());
      assertEquals(Duration.ofSeconds(2), barred.retryAfter());
    }
  }

  /** Opens the breaker and waits until a request may try: this one. */
  private static Passage firstTrial(ProviderBreaker breaker) {
    for (int n = 0; n < 10; n++) {
      breaker.failed(new Passage.Free());
    }
    Await.until(
        "its pause is over",
        SOON,
        () -> breaker.standing().equals(new Standing(State.OPEN, Duration.ZERO)));
    return assertInstanceOf(Passage.Trial.class, breaker.enter());
  }

  @Test
  void results_of_requests_sent_before_it_opened_change_nothing() {
    report(10, 0, "", "a");
    nowMs += 500;
    assertEquals(open(1500), report(50, 50, "", "b"));
  }

  @Test
  void a_clock_step_back_does_not_keep_it_open() {
    report(10, 0, "", "a");
    nowMs -= 500_000;
    assertEquals(open(60_000), report(0, 0, "", "a"));
  }

  @Test
  void a_read_writes_nothing() {
    assertEquals(closed(), report(0, 0, "", "a"));
    assertEquals(0, wire.redis().exists(name));
  }

  @Test
  void bad_arguments_are_refused_before_a_write() {
    for (String bad : List.of("-1", "nan", "1e400", "0x10", "", "9007199254740993")) {
      assertThrows(
          CompletionException.class,
          () -> wire.call(ScriptFile.BREAKER, new byte[][] {name}, nowMs * 1000, bad, 0, "", "a"));
    }
    assertThrows(CompletionException.class, () -> report(1, 0, "maybe", "a"));
    assertThrows(CompletionException.class, () -> report(1, 0, "", "a", "client c"));
    assertThrows(CompletionException.class, () -> report(1, 0, "", "a", "client c", "-1", 0));
    assertEquals(0, wire.redis().exists(name));
  }

  @Test
  void replicas_know_the_state_without_a_call_and_observers_can_read_it() {
    String pool = Pools.name("shown");
    try (RedisEngine one = replica("r1");
        RedisEngine onlooker = replica("")) {
      ProviderBreaker breaker = one.breaker(pool);
      Standing closed = new Standing(State.CLOSED, Duration.ZERO);
      assertEquals(closed, breaker.standing());
      assertEquals(closed, onlooker.breaker(pool).look().join());
      for (int n = 0; n < 10; n++) {
        breaker.failed(new Passage.Free());
      }
      Await.until("it is open", SOON, () -> breaker.standing().state() == State.OPEN);
      for (Standing open : List.of(breaker.standing(), onlooker.breaker(pool).look().join())) {
        assertEquals(State.OPEN, open.state());
        assertTrue(open.nextTry().toMillis() <= 2_000, open.toString());
      }
    }
  }

  @Test
  void one_replicas_failures_bar_the_others_and_one_of_them_may_try() {
    String pool = Pools.name("shared");
    try (RedisEngine one = replica("r1");
        RedisEngine two = replica("r2")) {
      ProviderBreaker first = one.breaker(pool);
      ProviderBreaker second = two.breaker(pool);
      Passage free = assertInstanceOf(Passage.Free.class, second.enter());
      for (int n = 0; n < 10; n++) {
        first.failed(free);
      }
      Await.until("the other knows", SOON, () -> second.state() == State.OPEN);
      Passage.Refused barred = assertInstanceOf(Passage.Refused.class, second.enter());
      assertTrue(barred.retryAfter().toMillis() > 0);
      Passage[] got = new Passage[1];
      Await.until(
          "it may try",
          SOON,
          () -> {
            got[0] = second.enter();
            return got[0] instanceof Passage.Trial;
          });
      assertInstanceOf(Passage.Refused.class, second.enter());
      second.succeeded(got[0], "acme", "m");
      Await.until("it is closed for both", SOON, () -> first.state() == State.CLOSED);
      assertInstanceOf(Passage.Free.class, first.enter());
    }
  }

  @Test
  void while_nothing_happens_heartbeats_are_the_only_calls_and_tell_of_the_breaker() {
    PoolPlan plan =
        Pools.plan(Pools.name("idle"), Duration.ofDays(1), 1, new Limits(1_000, 0, 0, 0));
    try (RecordedRedis way = new RecordedRedis(RedisUnderTest.url());
        RedisEngine idle = RedisEngine.start(Pools.options(way.url(), "r1", Fallback.CLOSED));
        RedisEngine other = replica("r2")) {
      ProviderBreaker breaker = idle.breaker(plan.name());
      var _ = idle.refusals(plan.name());
      var _ = idle.pool(plan);
      Await.until("heartbeats pass", SOON, () -> calls(way, "survey") >= 12);
      long asked = calls(way, "breaker") + calls(way, "evidence");
      assertTrue(asked <= 6, "besides the heartbeats, calls: " + asked);
      for (int n = 0; n < 10; n++) {
        other.breaker(plan.name()).failed(new Passage.Free());
      }
      Await.until("the idle one knows", SOON, () -> breaker.state() == State.OPEN);
    }
  }

  private static long calls(RecordedRedis way, String script) {
    return way.exchanges()
        .filter(call -> call.word(0).equals("FCALL") && call.word(1).endsWith("_" + script))
        .count();
  }
}
