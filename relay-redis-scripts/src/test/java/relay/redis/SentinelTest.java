package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.guards.RedisNode;
import relay.guards.SentinelSet;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Fallback;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.Usage;
import relay.redis.script.RedisKeys;

/** Sentinels name the master. */
@Tag("slow")
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

  @Test
  void grants_that_a_failover_lost_are_charged_again() {
    try (SentinelSet set = new SentinelSet();
        RedisEngine engine =
            RedisEngine.start(
                Pools.options(set.url(), "r", Fallback.CLOSED, Duration.ofMillis(500)))) {
      KeyPool pool = engine.pool(Pools.plan("pool", DAY, 1, AMPLE));
      granted(pool).settle(10, 10);
      RedisNode first = set.master();
      Await.until("the replica has it", SOON, () -> replicated(set.replica(), 1));
      set.cutReplication();
      List<Lease> running = new ArrayList<>();
      for (int n = 0; n < 30; n++) {
        granted(pool).settle(10, 10); // ended before the failover
        granted(pool).cancel();
        running.add(granted(pool)); // to end after it
      }
      Await.until("all is settled", SOON, () -> group(pool).inFlight() == 30);
      first.kill();
      Await.until("the replica serves", SOON, () -> set.master() != first && engine.isUp());
      Await.until("the lost grants are charged", SOON, () -> group(pool).used().requests() == 61);
      assertEquals(30, group(pool).inFlight()); // the running ones hold their places again
      running.forEach(lease -> lease.settle(15, 5)); // 5 more than reserved, and 5 fewer
      Usage all = new Usage(61, 31 * 10 + 30 * 15, 31 * 10 + 30 * 5);
      Await.until("the rest is charged", SOON, () -> group(pool).used().equals(all));
      assertEquals(0, group(pool).inFlight());
    }
  }

  private static boolean replicated(RedisNode replica, int grants) {
    return replica.call("HVALS", RedisKeys.text(new RedisKeys("test", "pool").leases)).size()
        >= grants;
  }

  private static boolean serves(RedisNode node, RedisEngine engine) {
    return engine.isUp()
        && node.call("CLIENT", "LIST", "TYPE", "normal").getFirst().contains("cmd=fcall");
  }

  private static PoolSnapshot.GroupState group(KeyPool pool) {
    return pool.snapshot().join().groups().getFirst();
  }
}
