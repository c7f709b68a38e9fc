package relay.redis;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.redis.SharedPool.Client;
import relay.redis.model.Accounting;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.walk.Step;

/** A limit that changes under load, in virtual time, on the scripts in a real Redis. */
@Tag("slow")
final class ChangedLimitTest {
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  /** What is left of a bucket stays, up to the new limit. */
  @Test
  void a_lowered_limit_does_not_block_a_bucket_and_a_raised_one_gives_no_burst() {
    for (int[] limits : new int[][] {{100, 50}, {100, 200}}) {
      SharedPool pool = new SharedPool(wire, plan(limits[0]));
      Client load = pool.client("load", 0);
      load.poll(0, 6, 10 * limits[0]);
      pool.atMinute(3, () -> pool.call(new Step.Configure(0, 7, plan(limits[1]))));
      load.poll(3, 6, 10 * limits[1]);
      pool.run(6);
      double next = load.between(3, 4) / limits[1];
      System.out.printf("Limit of a bucket, %s: next window %.2f%n", Arrays.toString(limits), next);
      assertTrue(next >= 0.95 && next <= 1.1, next + " of the new limit");
    }
  }

  private static PoolPlan plan(int limit) {
    return Pools.accounting("shared", Accounting.TOKEN_BUCKET, new Limits(limit, 0, 0, 0));
  }
}
