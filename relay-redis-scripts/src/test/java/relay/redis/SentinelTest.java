package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.guards.RedisNode;
import relay.guards.SentinelSet;
import relay.redis.Acquisition.Granted;

/** Sentinels name the master. */
final class SentinelTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final Duration DAY = Duration.ofDays(1); // a test's duration is negligible in it
  private static final Limits AMPLE = new Limits(100_000, 0, 0, 0);

  private static Lease granted(KeyPool pool) {
    return assertInstanceOf(Granted.class, pool.acquire(Pools.one()).join()).lease();
  }

  @Test
  void a_failover_by_order_is_followed_and_loses_nothing() {
    try (SentinelSet set = new SentinelSet();
        RedisEngine engine = RedisEngine.start(Pools.options(set.url(), "r", Fallback.CLOSED))) {
      KeyPool pool = engine.pool(Pools.plan("pool", DAY, 1, AMPLE));
      granted(pool).settle(10, 10);
      RedisNode first = set.master();
      assertEquals(
          "OK", set.sentinels().getFirst().call("SENTINEL", "FAILOVER", "main").getFirst());
      Await.until("another master is named", SOON, () -> set.master() != first);
      RedisNode second = set.master();
      Await.until("it is used", SOON, () -> serves(second, engine));
      granted(pool).settle(10, 10);
      Await.until("all is settled", SOON, () -> group(pool).inFlight() == 0);
      assertEquals(new Usage(2, 20, 20), group(pool).used());
    }
  }

  private static boolean serves(RedisNode node, RedisEngine engine) {
    return engine.isUp()
        && node.call("CLIENT", "LIST", "TYPE", "normal").getFirst().contains("cmd=fcall");
  }

  private static PoolSnapshot.GroupState group(KeyPool pool) {
    return pool.snapshot().join().groups().getFirst();
  }
}
