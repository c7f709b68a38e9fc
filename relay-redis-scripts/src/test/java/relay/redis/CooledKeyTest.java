package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.redis.SharedPool.Client;
import relay.redis.model.Limits;
import relay.redis.walk.CooldownStep;

/** The times that are told while a key cools down, although its group has room. */
final class CooledKeyTest {
  private static final long MILLI = 1_000;

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  /** A client that is alone has weight 0. More than 16 keys are in an index. */
  @ParameterizedTest
  @CsvSource({"1, 0", "1, 1", "2, 0", "2, 1", "17, 0", "17, 1"})
  void until_the_last_millisecond_the_rest_of_the_cooldown_is_told(int keys, int weight) {
    for (long left : List.of(2_000L, 1_500L, 999L, 300L, 20L, 1L)) {
      SharedPool pool = new SharedPool(wire, keys, new Limits(1_000, 0, 0, 0));
      Client client = pool.client("default", weight);
      for (int n = 0; n < keys; n++) {
        pool.call(new CooldownStep("k:key" + n, 2_000 + n, 0));
      }
      pool.time.set(pool.time.now() + (2_000 - left) * MILLI);
      assertEquals(left * MILLI, client.ask(), left + " ms before its end");
      pool.time.set(pool.time.now() + left * MILLI);
      assertEquals(0, client.ask());
    }
  }
}
