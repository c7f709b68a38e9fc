package relay.redis;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.guards.RedisNode;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Demand;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;

/**
 * A Redis comes back with its state, in which the window is empty by now. What replicas used
 * without it counts before the first request is granted, also that of a replica that is not back.
 */
@Tag("slow")
final class ReturningRedisTest {
  private static final int LIMIT = 200;
  private static final Duration WINDOW = Duration.ofSeconds(4);
  private static final int CLIENTS = 20; // of each replica
  private static final long AWAY_NANOS = 2_500_000_000L;
  private static final long AFTER_NANOS = 1_200_000_000L;

  private final Queue<Grant> granted = new ConcurrentLinkedQueue<>();
  private volatile boolean over;

  /** It was granted between these times of {@link System#nanoTime}. */
  private record Grant(long asked, long known) {}

  private void ask(KeyPool pool) {
    while (!over) {
      long asked = System.nanoTime();
      if (pool.acquire(Demand.of(Pools.CLASS, 1, 1)).join() instanceof Granted(Lease lease)) {
        granted.add(new Grant(asked, System.nanoTime()));
        lease.settle(1, 1);
      }
      Await.moment(System.nanoTime() + 1_000_000);
    }
  }

  @Test
  void use_without_redis_counts_before_the_first_request() throws Exception {
    try (RedisNode redis =
            RedisNode.start(
                "appendonly yes", "slowlog-log-slower-than 0", "slowlog-max-len 1000000");
        RecordedRedis way = new RecordedRedis("redis://" + redis.address());
        RedisEngine first = RedisEngine.start(options("redis://" + redis.address(), "r1"));
        RedisEngine second = RedisEngine.start(options(way.url(), "r2"))) {
      PoolPlan plan = Pools.plan("returning", WINDOW, 1, new Limits(LIMIT, 0, 0, 0));
      List<KeyPool> pools = List.of(first.pool(plan), second.pool(plan));
      for (KeyPool pool : pools) {
        Pools.awaitReplicas(pool, 2);
      }
      redis.kill();
      Await.until("it is gone", () -> !first.isUp() && !second.isUp());
      List<Thread> clients = new ArrayList<>();
      for (KeyPool pool : pools) {
        for (int n = 0; n < CLIENTS; n++) {
          clients.add(Thread.ofVirtual().start(() -> ask(pool)));
        }
      }
      Await.moment(System.nanoTime() + AWAY_NANOS);
      way.cut(); // the second does not come back
      redis.startAgain();
      Await.until("it is back", first::isUp);
      Await.moment(System.nanoTime() + AFTER_NANOS);
      over = true;
      tells_first(redis);
      for (Thread client : clients) {
        client.join();
      }
    }
    int most = mostInAWindow();
    assertTrue(granted.size() > LIMIT / 4, "they have used something: " + granted.size());
    assertTrue(most <= LIMIT, "most in a window: " + most);
  }

  /** Calls fail at once while its memory is full, so the connection stays. */
  @Test
  void use_while_redis_refuses_calls_counts_before_the_first_request() throws Exception {
    try (RedisNode redis = RedisNode.start();
        RedisEngine engine = RedisEngine.start(options("redis://" + redis.address(), "r1"))) {
      KeyPool pool = engine.pool(Pools.plan("refusing", WINDOW, 1, new Limits(LIMIT, 0, 0, 0)));
      Pools.awaitReplicas(pool, 1);
      var _ = redis.call("CONFIG", "SET", "maxmemory", "1");
      List<Thread> clients = new ArrayList<>();
      for (int n = 0; n < CLIENTS; n++) {
        clients.add(Thread.ofVirtual().start(() -> ask(pool)));
      }
      Await.moment(System.nanoTime() + AWAY_NANOS);
      var _ = redis.call("CONFIG", "SET", "maxmemory", "0");
      Await.moment(System.nanoTime() + AFTER_NANOS);
      over = true;
      for (Thread client : clients) {
        client.join();
      }
    }
    int most = mostInAWindow();
    assertTrue(granted.size() > LIMIT / 4, "they have used something: " + granted.size());
    assertTrue(most <= LIMIT, "most in a window: " + most);
  }

  private static EngineOptions options(String url, String replica) {
    return Pools.options(url, replica, Fallback.FAIR_SHARE);
  }

  private static void tells_first(RedisNode redis) {
    List<String> calls = // the latest first
        redis.call("SLOWLOG", "GET", "-1").stream()
            .filter(word -> word.matches("relay_\\w+_(charge|survey|acquire)"))
            .map(word -> word.substring(word.lastIndexOf('_') + 1))
            .toList()
            .reversed();
    int asked = calls.indexOf("acquire");
    assertTrue(asked >= 0, calls.toString());
    assertTrue(calls.subList(0, asked).containsAll(List.of("charge", "survey")), calls.toString());
  }

  /** Counts grants that were certainly in one window, however late the machine saw them. */
  private int mostInAWindow() {
    int most = 0;
    for (Grant first : granted) {
      int within = 0;
      for (Grant one : granted) {
        boolean later = one.asked() - first.asked() >= 0;
        within += later && one.known() - first.asked() < WINDOW.toNanos() ? 1 : 0;
      }
      most = Math.max(most, within);
    }
    return most;
  }
}
