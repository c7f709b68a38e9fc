package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.model.Acquisition;
import relay.redis.model.Fallback;
import relay.redis.model.Limits;

/** {@link LinkTest} with a connection on the program's own loop. */
@Tag("slow")
final class LoopLinkTest extends LinkTest {
  private final SelectorLoop loop = new SelectorLoop();

  @Override
  SelectorLoop loop() {
    return loop;
  }

  private void withPool(Consumer<KeyPool> use) {
    try (FaultyRedis redis = FaultyRedis.start();
        RedisEngine engine = started(Pools.options(redis.url(), "r1", Fallback.CLOSED))) {
      use.accept(
          engine.pool(Pools.plan("pool", Duration.ofDays(1), 1, new Limits(1_000, 0, 0, 0))));
    }
  }

  @Test
  void code_that_waits_for_a_reply_continues_off_the_loop() {
    AtomicInteger onLoop = new AtomicInteger();
    withPool(
        pool -> {
          List<CompletableFuture<Acquisition>> all =
              IntStream.range(0, 200).mapToObj(n -> pool.acquire(Pools.one())).toList();
          for (CompletableFuture<Acquisition> one : all) {
            var _ =
                one.thenAccept(
                    granted -> {
                      if (Thread.currentThread() == loop.thread()) {
                        onLoop.incrementAndGet();
                      }
                    });
            assertInstanceOf(Acquisition.Granted.class, one.join());
          }
        });
    assertEquals(0, onLoop.get());
    assertTrue(loop.begun() > 0, "replies came another way");
  }

  @Test
  void a_burst_at_a_stalled_loop_gets_true_answers() {
    int limit = 100;
    Duration stall = Duration.ofSeconds(3); // far beyond the timeout
    try (FaultyRedis redis = FaultyRedis.start();
        RedisEngine engine =
            started(Pools.options(redis.url(), "r1", Fallback.CLOSED, Duration.ofSeconds(1)))) {
      KeyPool pool =
          engine.pool(Pools.plan("pool", Duration.ofDays(1), 1, new Limits(limit, 0, 0, 0)));
      assertInstanceOf(Acquisition.Granted.class, pool.acquire(Pools.one()).join());
      loop.execute(() -> LockSupport.parkNanos(stall.toNanos()));
      List<Acquisition> all =
          IntStream.range(0, 2_000).mapToObj(n -> pool.acquire(Pools.one())).toList().stream()
              .map(CompletableFuture::join)
              .toList();
      long granted = all.stream().filter(Acquisition.Granted.class::isInstance).count();
      long exhausted = all.stream().filter(Acquisition.Exhausted.class::isInstance).count();
      assertEquals(2_000, granted + exhausted, "some were told that Redis is away");
      assertEquals(limit / 2 - 1, granted, "an idle group takes half of its limit at once");
      assertTrue(engine.isUp());
    }
  }

  @Test
  void a_reply_that_waits_for_a_thread_is_no_timeout() {
    Duration timeout = Duration.ofMillis(100);
    try (FaultyRedis redis = FaultyRedis.start();
        RedisEngine engine = started(Pools.options(redis.url(), "r1", Fallback.CLOSED, timeout))) {
      KeyPool pool =
          engine.pool(Pools.plan("pool", Duration.ofDays(1), 1, new Limits(1_000, 0, 0, 0)));
      assertInstanceOf(Acquisition.Granted.class, pool.acquire(Pools.one()).join());
      loop.hold();
      CompletableFuture<Acquisition> late = pool.acquire(Pools.one());
      Await.until("the reply was read", Duration.ofSeconds(20), () -> loop.held() > 0);
      long until = System.nanoTime() + 5 * timeout.toNanos();
      Await.until(
          "far more than a timeout",
          Duration.ofSeconds(20),
          () -> late.isDone() || System.nanoTime() - until >= 0);
      assertFalse(late.isDone(), () -> "without its reply: " + late.join());
      loop.release();
      assertInstanceOf(Acquisition.Granted.class, late.join());
      assertTrue(engine.isUp());
    }
  }

  @Test
  void a_reply_is_read_by_the_loop_and_by_no_thread_of_the_engine() {
    Set<Thread> before = threadsOfLettuce(); // of engines of other tests
    withPool(
        pool -> {
          assertInstanceOf(Acquisition.Granted.class, pool.acquire(Pools.one()).join());
          Set<Thread> made = threadsOfLettuce();
          made.removeAll(before);
          assertEquals(Set.of(), made);
        });
  }

  private static Set<Thread> threadsOfLettuce() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("lettuce-nio"))
        .collect(Collectors.toCollection(HashSet::new));
  }
}
