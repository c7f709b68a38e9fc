package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.Acquisition.Granted;

/** A replica reads the use of many clients' limits while somebody looks at it. */
final class WantedRowsTest {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final Duration UNREAD = Duration.ofSeconds(7); // reading is due after five
  private static final String KEY = "key7";

  private final FaultyRedis redis = FaultyRedis.start();

  @AfterEach
  void close() {
    redis.close();
  }

  private static PoolPlan plan() {
    Limits limits = new Limits(100, 0, 0, 0);
    return Pools.named(Pools.plan("wanted", Duration.ofMinutes(1), 300, limits));
  }

  private RedisEngine engine(String replica) {
    return RedisEngine.start(Pools.options(redis.url(), replica, Fallback.CLOSED));
  }

  private static long used(KeyPool pool) {
    PoolSnapshot latest = pool.latest();
    return latest == null
        ? -1
        : latest.groups().stream().mapToLong(group -> group.used().requests()).sum();
  }

  @Test
  void one_replica_draws_and_another_reads_what_is_wanted() {
    try (RedisEngine first = engine("r1");
        RedisEngine second = engine("r2")) {
      KeyPool drawing = first.pool(plan());
      Await.until("the first draws", SOON, () -> used(drawing) == 0);
      KeyPool other = second.pool(plan());
      Await.until("the second has read all once", SOON, () -> used(other) == 0);
      Demand demand = Demand.of(Pools.CLASS, 1, 1).on(KEY);
      ((Granted) drawing.acquire(demand).join()).lease().settle(1, 1);
      Await.until("the first sees it", SOON, () -> used(drawing) == 1);
      Await.until("nobody looks", SOON, () -> other.latestAge().compareTo(UNREAD) > 0);
      assertEquals(0, used(other));
      var _ = other.named().want();
      Await.until("it is read", SOON, () -> used(other) == 1);
      ((Granted) drawing.acquire(demand).join()).lease().settle(1, 1);
      Await.until("it is read again", SOON, () -> used(other) == 2);
    }
  }

  @Test
  void a_replica_that_reads_nothing_knows_how_many_there_are() {
    try (RedisEngine first = engine("r1")) {
      KeyPool drawing = first.pool(plan());
      Await.until("the first draws", SOON, () -> used(drawing) == 0);
      try (RedisEngine second = engine("r2")) {
        KeyPool other = second.pool(plan());
        Await.until("there are two", SOON, () -> replicas(other) == 2);
        try (RedisEngine third = engine("r3")) {
          third.pool(plan());
          Await.until("there are three", SOON, () -> replicas(other) == 3);
        }
        Await.until("there are two again", SOON, () -> replicas(other) == 2);
      }
    }
  }

  private static int replicas(KeyPool pool) {
    PoolSnapshot latest = pool.latest();
    return latest == null ? 0 : latest.replicas();
  }
}
