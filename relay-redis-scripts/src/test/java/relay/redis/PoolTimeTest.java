package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.script.PoolClock;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;

/** The pool's clock when Redis's clock steps, and when calls are late. */
final class PoolTimeTest {
  private static final long START = 1_790_000_000_000_000L;
  private static final long SECOND = 1_000_000;
  private static final long HOUR = 3600 * SECOND;
  private static final long ALLOWANCE = 10_000;
  private static final int LIMIT = 10;

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final PoolPlan plan =
      Pools.plan(Pools.name("time"), Duration.ofMinutes(1), 1, new Limits(LIMIT, 0, 0, 0));
  private final RedisKeys names = new RedisKeys("time", plan.name());
  private long next;

  @BeforeEach
  void announce() {
    call(new Step.Configure(0, 7, plan), new Clock(START, 0));
  }

  @AfterEach
  void close() {
    wire.close();
  }

  private List<Object> call(Step step, Clock clock) {
    return wire.call(step, names, clock);
  }

  /** As a replica with a reading of the pool's clock. */
  private static Clock informed(long given, long poolMicros) {
    return new Clock(given, poolMicros + ALLOWANCE);
  }

  private long heartbeat(Clock clock) {
    Step survey = new Step.Survey("r1", 0, plan.groups(), plan.keys(), List.of());
    return (Long) call(survey, clock).get(1);
  }

  private boolean isGranted(Clock clock) {
    List<String> fields = List.of("k:key0", "g:account0/model");
    return call(Step.acquire("l" + next++, 7, 1, 1, 600_000, fields), clock).get(2).equals(1L);
  }

  private int granted(Clock clock) {
    int granted = 0;
    while (isGranted(clock)) {
      granted++;
    }
    return granted;
  }

  @Test
  void a_jump_of_the_clock_gives_a_newcomer_no_second_limit() {
    heartbeat(informed(START, START));
    assertEquals(LIMIT / 2, granted(informed(START, START)));
    assertEquals(0, granted(new Clock(START + HOUR, 0)));
    assertEquals(0, granted(informed(START + HOUR, START + SECOND / 2)));
    assertEquals(0, granted(new Clock(START + HOUR + SECOND / 2, 0)), "that replica has told");
  }

  @Test
  void a_newcomer_without_other_replicas_waits_a_second_for_their_time() {
    heartbeat(informed(START, START));
    assertEquals(LIMIT / 2, granted(informed(START, START)));
    long later = START + 300 * SECOND;
    assertEquals(0, granted(new Clock(later, 0)));
    assertEquals(0, granted(new Clock(later + SECOND - 1, 0)));
    assertEquals(LIMIT / 2, granted(new Clock(later + SECOND, 0)));
  }

  @Test
  void an_idle_pool_whose_replicas_have_left_is_used_at_once() {
    heartbeat(informed(START, START));
    assertEquals(LIMIT / 2, granted(informed(START, START)));
    List<Object> leaves =
        new Step.Survey("r1", 0, List.of(), List.of(), List.of()).args(informed(START, START));
    leaves.set(4, "leave");
    Step survey = new Step.Survey("r1", 0, List.of(), List.of(), List.of());
    wire.call(survey.script(), survey.keys(names), leaves.toArray());
    assertEquals(LIMIT / 2, granted(new Clock(START + 300 * SECOND, 0)));
  }

  @Test
  void a_call_that_was_long_on_its_way_does_not_set_the_clock_back() {
    long served = START + 20 * SECOND;
    assertEquals(START + ALLOWANCE, heartbeat(informed(served, START)));
    long next = served + SECOND;
    assertEquals(next + ALLOWANCE - 30_000, heartbeat(informed(next, next)));
  }

  /** A replica's clock, and Redis's. */
  private static final class Way {
    final AtomicLong nanos = new AtomicLong(5);
    final PoolClock clock = new PoolClock(nanos::get);

    /** The time on Redis's clock. */
    long micros() {
      return START + nanos.get() / 1_000;
    }

    void pass(long micros) {
      nanos.addAndGet(1_000 * micros);
    }

    long ceiling() {
      return Long.parseLong(new String(clock.ceiling(), StandardCharsets.US_ASCII));
    }
  }

  @Test
  void a_replica_states_no_time_before_it_can_know_it_and_keeps_the_best() {
    Way way = new Way();
    assertEquals(0, way.ceiling());
    way.clock.observed(START, way.clock.now());
    way.pass(1_400_000);
    assertEquals(0, way.ceiling(), "its own reading may be after a jump");
    way.clock.observed(START + 10 * SECOND, way.clock.now());
    way.pass(200_000);
    long known = START + 10 * SECOND + 200_000;
    assertEquals(known + ALLOWANCE, way.ceiling());
    way.clock.observed(START + 2 * SECOND, way.clock.now()); // answers a call that was late
    assertEquals(known + ALLOWANCE, way.ceiling());
    way.clock.observed(known - 100_000, way.clock.now()); // lost by a slow call
    assertEquals(known + ALLOWANCE, way.ceiling());
    way.clock.observed(known + 100_000, way.clock.now());
    assertEquals(known + 100_000 + ALLOWANCE, way.ceiling());
    long sent = way.clock.now();
    way.pass(SECOND);
    way.clock.observed(known + SECOND, sent); // nobody knows when it was read: perhaps just now
    assertEquals(known + SECOND + 100_000 + ALLOWANCE, way.ceiling());
    way.clock.observed(known + 2 * SECOND, sent);
    assertEquals(known + 2 * SECOND + 2 * ALLOWANCE, way.ceiling());
    way.pass(2 * SECOND);
    way.clock.observed(known, way.clock.now()); // no faster than clocks drift
    long drifted = known + 4 * SECOND + ALLOWANCE - 1_000;
    assertEquals(drifted + ALLOWANCE, way.ceiling());
  }

  /** A way to Redis of half a second, and one that is slow at times. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_slow_way_to_redis_does_not_slow_the_clock(boolean always) {
    Way way = new Way();
    long lost = 0;
    for (int n = 0; n < 200; n++) {
      long half = always || n % 10 == 0 ? SECOND / 2 : 500;
      long sent = way.clock.now();
      long ceiling = way.ceiling();
      way.pass(half);
      long time = heartbeat(new Clock(way.micros(), ceiling));
      lost = way.micros() - time;
      way.pass(half);
      way.clock.observed(time, sent);
    }
    assertTrue(lost >= 0 && lost <= 3 * SECOND / 2, "lost: " + lost);
  }

  @Test
  void a_jump_gives_a_replica_that_knows_the_time_hardly_any() {
    Way way = new Way();
    long jumped = 0;
    for (int n = 0; n < 20; n++) {
      long sent = way.clock.now();
      long ceiling = way.ceiling();
      way.pass(1_000);
      jumped = n < 10 ? 0 : HOUR;
      long time = heartbeat(new Clock(way.micros() + jumped, ceiling));
      long gained = time - way.micros();
      assertTrue(gained >= 0 && gained <= 2 * ALLOWANCE, "gained: " + gained);
      way.pass(1_000);
      way.clock.observed(time, sent);
      way.pass(SECOND / 2);
    }
    assertTrue(jumped > 0);
  }
}
