package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import relay.redis.SharedPool.Client;

/** Clients that do not come when they were told: they poll, and have hundreds of promises. */
final class ManyPromisesTest {
  private static final int LIMIT = 300;

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  @Test
  void a_client_of_small_weight_is_never_without_its_share() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(LIMIT, 0, 0, 0));
    Client large = pool.client("large", 3, 5, 0, 0);
    Client small = pool.client("small", 3, 1, 0, 0);
    large.poll(0, 14, 2 * LIMIT);
    small.poll(2, 14, 2 * LIMIT);
    pool.run(14);
    for (int minute = 3; minute < 14; minute++) {
      assertEquals(LIMIT / 6.0, small.between(minute, minute + 1), 0.1 * LIMIT / 6, "" + minute);
      double all = small.between(minute, minute + 1) + large.between(minute, minute + 1);
      assertTrue(all >= 0.97 * LIMIT, all + " granted in minute " + minute);
    }
  }
}
