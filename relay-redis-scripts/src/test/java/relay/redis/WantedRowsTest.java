package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Demand;
import relay.redis.model.Fallback;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.script.RedisKeys;

/** A replica reads the use of many clients' limits while somebody looks at it. */
@Tag("slow")
final class WantedRowsTest {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final Duration UNREAD = Duration.ofSeconds(7); // reading is due after five
  private static final String KEY = "key7";

  private final FaultyRedis redis = FaultyRedis.start();
  private final ScriptConnection wire = new ScriptConnection(redis.url());
  private final RedisKeys names = new RedisKeys("test", "wanted");

  @AfterEach
  void close() {
    wire.close();
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
  void one_replica_draws_and_each_reads_what_is_wanted() {
    try (RedisEngine first = engine("r1");
        RedisEngine second = engine("r2")) {
      KeyPool drawing = first.pool(plan());
      Await.until("the first draws", SOON, () -> used(drawing) == 0);
      KeyPool other = second.pool(plan());
      Await.until("the second has read all once", SOON, () -> used(other) == 0);
      Demand demand = Demand.of(Pools.CLASS, 1, 1).on(KEY);
      ((Granted) drawing.acquire(demand).join()).lease().settle(1, 1);
      Await.until("it is drawn", SOON, () -> drawn().startsWith("rpm 1/100 "));
      for (KeyPool pool : List.of(drawing, other)) {
        Await.until("nobody looks", SOON, () -> pool.latestAge().compareTo(UNREAD) > 0);
        assertEquals(0, used(pool));
        assertEquals(false, pool.named().want());
        Await.until("it is read", SOON, () -> used(pool) == 1);
        assertEquals(true, pool.named().want());
      }
      ((Granted) drawing.acquire(demand).join()).lease().settle(1, 1);
      Await.until("it is read again", SOON, () -> used(drawing) == 2 && used(other) == 2);
      Await.until("it is drawn again", SOON, () -> drawn().startsWith("rpm 2/100 "));
    }
  }

  /** In each heartbeat there is more news than is drawn at once. */
  @Test
  void what_changes_often_is_drawn_every_few_seconds() {
    try (RedisEngine first = engine("r1")) {
      KeyPool drawing = first.pool(plan());
      Await.until("the first draws", SOON, () -> used(drawing) == 0);
      for (int round = 1; round <= 3; round++) {
        for (int n = 0; n < 300; n++) {
          Demand demand = Demand.of(Pools.CLASS, 1, 1).on("key" + n);
          ((Granted) drawing.acquire(demand).join()).lease().settle(1, 1);
        }
        String usage = "rpm " + round + "/100 ";
        Await.until("all are drawn", SOON, () -> drawn().startsWith(usage));
      }
      assertEquals(0, used(drawing));
      ((Granted) drawing.acquire(Demand.of(Pools.CLASS, 1, 1).on(KEY)).join()).lease().settle(1, 1);
    }
    assertEquals("rpm 4/100 ", drawn().substring(0, 10), "a replica that leaves draws at once");
  }

  private String drawn() {
    byte[] line = wire.redis().hget(names.picture, RedisKeys.bytes("account7/" + Pools.CLASS));
    return line == null ? "" : ScriptConnection.text(line);
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
