package relay.redis.script;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import relay.redis.model.Accounting;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;

/** Replicas compare these, also those of other versions. */
final class PlanDigestsTest {
  private static final PoolPlan PLAN =
      new PoolPlan(
          "p",
          Duration.ofMinutes(1),
          Strategy.WEIGHTED,
          Accounting.AUTO,
          0.5,
          List.of("sonnet", "opus"),
          List.of(new KeyPlan("k1", "a", 1, 2, 3), new KeyPlan("k2", "a/w", 0, 1, 0, false)),
          Map.of("a/sonnet", new Limits(1, 20, 300, 4_000)));

  @Test
  void digests_are_those_of_earlier_versions() {

    assertEquals("2098fdb5", PlanDigests.shape(PLAN));
    assertEquals(281_701_450_069L, PlanDigests.number(PLAN));
  }
}
