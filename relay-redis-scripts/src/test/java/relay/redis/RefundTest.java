package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;

/** A refund is of the slot of the charge, as long as that slot is in the window. */
final class RefundTest {
  private static final long SLOT = 125_521; // of a minute's window and its margin, in microseconds
  private static final int SLOTS = 480;
  private static final long LEASE_MS = 120_000;

  private final PoolPlan plan =
      Pools.plan("refund", Duration.ofMinutes(1), 1, new Limits(1_000, 100_000, 0, 0));
  private final RedisKeys names = new RedisKeys("refund", Pools.name("p"));
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private long micros = 14_300_000_000L * SLOT; // where a slot begins

  @AfterEach
  void disconnect() {
    wire.close();
  }

  @Test
  void the_last_slot_of_the_window_takes_a_refund() {
    chargeTwice(SLOTS - 1);
    assertEquals(List.of(2L, 30L), used());
    micros += SLOT;
    call(Step.cancel("first"));
    assertEquals(List.of(1L, 20L), used());
  }

  /** The ring holds another slot in its place by then. */
  @Test
  void a_slot_that_has_left_takes_none() {
    chargeTwice(SLOTS);
    assertEquals(List.of(2L, 30L), used());
    micros += SLOT;
    assertEquals(List.of(1L, 20L), used());
    call(Step.cancel("first"));
    assertEquals(List.of(1L, 20L), used());
  }

  private void chargeTwice(int slotsBetween) {
    call(new Step.Configure(0, 7, plan));
    assertEquals(1L, acquire("first", 10));
    micros += slotsBetween * SLOT;
    assertEquals(1L, acquire("second", 20));
  }

  private Object acquire(String id, long input) {
    return call(Step.acquire(id, 7, input, 1, LEASE_MS, List.of("k:key0", "g:account0/model")))
        .getFirst();
  }

  /** Requests and input tokens in the window. */
  private List<?> used() {
    List<?> group =
        (List<?>) call(new Step.Survey("", 1, plan.groups(), plan.keys(), List.of())).get(8);
    return group.subList(0, 2);
  }

  private List<Object> call(Step step) {
    return wire.call(step, names, new Clock(micros, 0));
  }
}
