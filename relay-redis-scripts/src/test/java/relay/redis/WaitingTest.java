package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;

/** Requests parked for a real pool. */
@Tag("slow")
final class WaitingTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final Duration LONG = Duration.ofMinutes(5);
  private static final Duration WINDOW = Duration.ofMillis(1_200);
  private static final Duration DAY = Duration.ofDays(1);

  @Test
  void parked_requests_are_served_in_order_as_capacity_returns() {
    PoolPlan plan = Pools.plan(Pools.name("waiting"), WINDOW, 1, new Limits(4, 0, 0, 0));
    try (RedisEngine engine = engine("r1");
        RedisEngine other = engine("r2")) {
      Queue<Integer> served = new ConcurrentLinkedQueue<>();
      List<CompletableFuture<Acquisition>> all = new ArrayList<>();
      KeyPool pool = engine.pool(plan);
      for (int n = 0; n < 12; n++) {
        int number = n;
        CompletableFuture<Acquisition> answer = pool.acquire(Pools.one(), LONG);
        all.add(
            answer.whenComplete(
                (acquisition, failure) -> {
                  served.add(number);
                }));
        all.add(other.pool(plan).acquire(Pools.one(), LONG));
      }
      all.forEach(answer -> assertInstanceOf(Granted.class, answer.join()));
      List<Integer> order = List.copyOf(served);
      // Requests that came before any was parked called Redis concurrently; the others in order.
      assertEquals(order.subList(4, 12), order.subList(4, 12).stream().sorted().toList());
      assertEquals(0, pool.waiting());
    }
  }

  @Test
  void a_grant_after_cancellation_is_cancelled() {
    PoolPlan plan = Pools.plan(Pools.name("waiting"), DAY, 1, new Limits(100, 0, 0, 0));
    try (RedisEngine engine = engine("r1")) {
      KeyPool pool = engine.pool(plan);
      for (int n = 0; n < 20; n++) {
        CompletableFuture<Acquisition> answer =
            pool.acquire(Pools.one(), n % 2 == 0 ? LONG : Duration.ZERO);
        if (!answer.cancel(false) && answer.join() instanceof Granted(Lease lease)) {
          lease.cancel(); // Redis answered before the cancellation
        }
      }
      Await.until(
          "nothing is held",
          SOON,
          () -> {
            PoolSnapshot.GroupState group = pool.snapshot().join().groups().getFirst();
            return group.inFlight() == 0 && group.used().requests() == 0 && pool.liveLeases() == 0;
          });
    }
  }

  @Test
  void returned_concurrency_goes_to_a_parked_request() {
    List<KeyPlan> keys = List.of(new KeyPlan("key", "account", 0, 1, 1));
    PoolPlan plan = Pools.plan(Pools.name("waiting"), DAY, keys, Limits.UNKNOWN);
    try (RedisEngine engine = engine("r1")) {
      KeyPool pool = engine.pool(plan);
      Granted first = assertInstanceOf(Granted.class, pool.acquire(Pools.one(), LONG).join());
      CompletableFuture<Acquisition> second = pool.acquire(Pools.one(), LONG);
      Await.until("it waits", SOON, () -> pool.waiting() == 1);
      first.lease().settle(1, 1);
      assertInstanceOf(Granted.class, second.join());
    }
  }

  @Test
  void a_wait_beyond_the_maximum_is_refused_at_once() {
    PoolPlan plan = Pools.plan(Pools.name("waiting"), DAY, 1, new Limits(1, 0, 0, 0));
    try (RedisEngine engine = engine("r1")) {
      KeyPool pool = engine.pool(plan);
      assertInstanceOf(Granted.class, pool.acquire(Pools.one(), LONG).join());
      Exhausted told = assertInstanceOf(Exhausted.class, pool.acquire(Pools.one(), LONG).join());
      assertTrue(told.retryAfter().compareTo(LONG) > 0, told::toString);
    }
  }

  private static RedisEngine engine(String replica) {
    return RedisEngine.start(Pools.options(RedisUnderTest.url(), replica, Fallback.CLOSED));
  }
}
