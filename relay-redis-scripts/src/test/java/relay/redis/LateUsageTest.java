package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import relay.redis.model.Limits;
import relay.redis.script.RedisKeys;
import relay.redis.walk.ChargeStep;
import relay.redis.walk.ChargeStep.Part;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;
import relay.redis.walk.StoredPool;

/** Usage that is charged late counts in the slots of the time at which it was made. */
final class LateUsageTest {
  private static final long SECOND = 1_000_000;
  private static final long WINDOW = 60 * SECOND;
  private static final String GROUP = "account0/model";
  private static final int LIMIT = 40;

  private final RedisKeys names = new RedisKeys("late", Pools.name("p"));
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private long now = 1_790_000_000_000_000L;
  private int leases;

  @BeforeEach
  void announce() {
    call(
        new Step.Configure(
            0, 7, Pools.plan("late", Duration.ofSeconds(60), 1, new Limits(LIMIT, 0, 0, 0))));
  }

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private List<Object> call(Step step) {
    return wire.call(step, names, new Clock(now, now));
  }

  private static Part ago(long seconds, long requests) {
    return new Part(seconds * SECOND, requests, 0, 0);
  }

  /** Requests in the window, after a survey now. */
  private double used() {
    call(new Step.Survey("r", 0, List.of(GROUP), List.of(), List.of()));
    return new StoredPool(wire.redis().hgetall(names.state))
        .number("g:" + GROUP, StoredPool.USED + 1);
  }

  private boolean isGranted() {
    Step ask = Step.acquire("l" + leases++, 7, 1, 1, 30_000, List.of("k:key0", "g:" + GROUP));
    return call(ask).get(2).equals(1L);
  }

  @Test
  void it_leaves_the_window_a_window_after_it_was_used() {
    call(ChargeStep.ended("c", GROUP, List.of(ago(70, 9), ago(50, 10), ago(20, 20), ago(0, 1))));
    assertEquals(31, used(), "what is older than a window has aged out");
    now += 11 * SECOND;
    assertEquals(21, used());
    now += 30 * SECOND;
    assertEquals(1, used());
    now += 20 * SECOND;
    assertEquals(0, used());
  }

  @Test
  void the_oldest_slot_of_the_window_counts_and_the_one_before_does_not() {
    long slot = 125_521; // 241/240 of a window, in 480 parts
    Part oldest = new Part(480 * slot, 3, 0, 0);
    call(ChargeStep.ended("c", GROUP, List.of(oldest, new Part(481 * slot, 5, 0, 0))));
    assertEquals(3, used());
  }

  @Test
  void a_group_that_was_idle_and_one_that_was_not_have_room_when_it_leaves() {
    for (int n = 0; n < 2; n++) {
      call(ChargeStep.ended("c" + n, GROUP, List.of(ago(50, LIMIT))));
      assertEquals(false, isGranted());
      now += 11 * SECOND;
      assertEquals(0, used());
      now += WINDOW;
    }
    assertEquals(true, isGranted());
    call(ChargeStep.ended("c", GROUP, List.of(ago(50, LIMIT - 1))));
    assertEquals(LIMIT, used());
    now += 11 * SECOND;
    assertEquals(1, used());
    assertEquals(true, isGranted());
  }

  @Test
  void a_request_that_still_runs_is_refunded_where_it_counts() {
    List<Part> begun = List.of(ago(30, 1));
    call(new ChargeStep("c", GROUP, begun, "key0", 30_000, 0));
    assertEquals(true, isGranted());
    call(Step.cancel("c"));
    assertEquals(1, used());
    now += 31 * SECOND;
    assertEquals(1, used(), "the other was not taken instead");
  }

  /** The sorted set costs each lease a command, and the renewal of all TTLs. */
  @Test
  void leases_after_it_are_checked_in_order_of_time_as_before() {
    call(ChargeStep.ended("c", GROUP, List.of(ago(0, 1))));
    for (int n = 0; n < 5; n++) {
      now += SECOND;
      assertEquals(true, isGranted());
    }
    assertEquals(5, wire.redis().llen(names.due));
    assertEquals(1, wire.redis().zcard(names.later), "what was told late alone");
    now += 2 * WINDOW;
    used();
    assertEquals(0, wire.redis().llen(names.due));
    assertEquals(5, wire.redis().zcard(names.later), "expired, and what was told late is gone");
  }
}
