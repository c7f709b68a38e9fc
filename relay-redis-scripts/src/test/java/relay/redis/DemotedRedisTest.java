package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.Unavailable;
import relay.redis.model.Fallback;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.Usage;

/** A failover that leaves the connection open: Redis becomes a replica and refuses to write. */
final class DemotedRedisTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  @Test
  void its_connection_is_dropped_and_pending_settles_are_sent_when_it_writes_again() {
    try (FaultyRedis redis = FaultyRedis.start();
        ScriptConnection wire = new ScriptConnection(redis.url());
        RedisEngine engine = RedisEngine.start(Pools.options(redis.url(), "r", Fallback.CLOSED))) {
      Limits ample = new Limits(1_000, 0, 0, 0);
      KeyPool pool = engine.pool(Pools.plan("pool", Duration.ofMinutes(1), 1, ample));
      Lease lease = assertInstanceOf(Granted.class, pool.acquire(Pools.one()).join()).lease();
      var _ = wire.redis().replicaof("127.0.0.1", 1); // where no server listens
      lease.settle(25, 5);
      Await.until("the link is down", SOON, () -> !engine.isUp());
      assertTrue(pool.acquire(Pools.one()).isDone(), "an answer without waiting");
      assertInstanceOf(Unavailable.class, pool.acquire(Pools.one()).join());
      var _ = wire.redis().replicaofNoOne();
      Await.until("the link is up", SOON, engine::isUp);
      Await.until("it is settled", SOON, () -> inFlight(pool) == 0);
      assertEquals(new Usage(1, 25, 5), pool.snapshot().join().groups().getFirst().used());
    }
  }

  private static long inFlight(KeyPool pool) {
    return pool.snapshot().join().groups().getFirst().inFlight();
  }
}
