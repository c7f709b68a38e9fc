package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.Unavailable;
import relay.redis.model.Demand;
import relay.redis.model.Fallback;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;

/** Many threads of two replicas at once. The window is a day, so passing time admits nothing. */
@Tag("slow")
final class SimultaneousTest {
  private static final Duration DAY = Duration.ofDays(1);
  private static final int LIMIT = 1_000;
  private static final int THREADS = 8;

  @Test
  void of_ten_times_the_limit_exactly_the_burst_is_admitted() throws Exception {
    Map<String, Long> granted = granted(1, new Limits(LIMIT, 0, 0, 0), Pools.one());
    assertEquals(Map.of("account0/model", halfOf(LIMIT)), granted);
  }

  @Test
  void with_several_groups_each_gets_its_burst() throws Exception {
    Map<String, Long> granted = granted(4, new Limits(LIMIT, 0, 0, 0), Pools.one());
    assertEquals(4, granted.size());
    granted.values().forEach(n -> assertEquals(halfOf(LIMIT), n));
  }

  @Test
  void the_scarcest_dimension_decides() throws Exception {
    // 70 tokens a request: level + 70 <= max(limit - used, limit / 20, 140) up to 71 requests
    Limits limits = new Limits(LIMIT, 0, 0, 10_000);
    assertEquals(Map.of("account0/model", 71L), granted(1, limits, Demand.of(Pools.CLASS, 30, 40)));
  }

  /** The number that fits while n + 1 <= limit - n. */
  private static long halfOf(long limit) {
    return (limit - 1) / 2 + 1;
  }

  /** Grants by group, compared with Redis's counts. */
  private static Map<String, Long> granted(int groups, Limits limits, Demand demand)
      throws Exception {
    PoolPlan plan = Pools.plan(Pools.name("simultaneous"), DAY, groups, limits);
    String url = RedisUnderTest.url();
    ConcurrentLinkedQueue<CompletableFuture<Acquisition>> answers = new ConcurrentLinkedQueue<>();
    try (RedisEngine one = RedisEngine.start(Pools.options(url, "r1", Fallback.CLOSED));
        RedisEngine two = RedisEngine.start(Pools.options(url, "r2", Fallback.CLOSED));
        ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      List<KeyPool> pools = List.of(one.pool(plan), two.pool(plan));
      List<Future<?>> all = new ArrayList<>();
      for (int t = 0; t < THREADS; t++) {
        KeyPool pool = pools.get(t % 2);
        all.add(
            threads.submit(
                () -> {
                  for (int n = 0; n < 10 * LIMIT * groups / THREADS; n++) {
                    answers.add(pool.acquire(demand));
                  }
                }));
      }
      for (Future<?> thread : all) {
        thread.get();
      }
      Map<String, Long> granted = new HashMap<>();
      for (CompletableFuture<Acquisition> answer : answers) {
        switch (answer.join()) {
          case Granted g -> granted.merge(g.lease().group(), 1L, Long::sum);
          case Unavailable u -> throw new AssertionError("no answer in time: " + u);
          case Acquisition.Overloaded o -> throw new AssertionError("refused here: " + o);
          case Acquisition.Exhausted _, Acquisition.Impossible _, Acquisition.NoneUsable _ -> {}
          case Acquisition.OverBudget o -> throw new AssertionError("no budgets here: " + o);
        }
      }
      for (PoolSnapshot.GroupState group : pools.getFirst().snapshot().join().groups()) {
        assertEquals(granted.get(group.id()), group.used().requests());
        assertEquals(granted.get(group.id()), group.inFlight());
      }
      return granted;
    }
  }
}
