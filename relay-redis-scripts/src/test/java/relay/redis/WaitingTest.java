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
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.Acquisition.Exhausted;
import relay.redis.Acquisition.Granted;

/** Requests that wait for a real pool. */
final class WaitingTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final Duration LONG = Duration.ofMinutes(5);
  private static final Duration WINDOW = Duration.ofMillis(1_200);
  private static final Duration DAY = Duration.ofDays(1);

  @Test
  void all_who_wait_are_served_in_order_as_capacity_returns() {
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
      // Those who came while nobody waited asked side by side; all others in turn.
      assertEquals(order.subList(4, 12), order.subList(4, 12).stream().sorted().toList());
      assertEquals(0, pool.waiting());
    }
  }

  @Test
  void what_is_granted_to_nobody_goes_back() {
    PoolPlan plan = Pools.plan(Pools.name("waiting"), DAY, 1, new Limits(100, 0, 0, 0));
    try (RedisEngine engine = engine("r1")) {
      KeyPool pool = engine.pool(plan);
      for (int n = 0; n < 20; n++) {
        CompletableFuture<Acquisition> answer =
            pool.acquire(Pools.one(), n % 2 == 0 ? LONG : Duration.ZERO);
        if (!answer.cancel(false) && answer.join() instanceof Granted(Lease lease)) {
          lease.cancel(); // Redis was faster than the change of mind
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
  void a_place_that_becomes_free_is_taken_by_who_waits() {
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
  void a_time_beyond_the_patience_is_told_at_once() {
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
