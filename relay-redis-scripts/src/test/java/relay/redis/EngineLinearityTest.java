package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.redis.EngineHistory.Ending;
import relay.redis.EngineHistory.Request;
import relay.redis.RecordedRedis.Exchange;
import relay.redis.model.Accounting;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Demand;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;

/**
 * Eight threads acquire and settle through four engines, at a rate at which requests share calls.
 * The answers must have one serial order that the model explains.
 */
@Tag("slow")
final class EngineLinearityTest {
  private static final int ENGINES = 4;
  private static final int THREADS = 8;
  private static final int AT_ONCE = 12; // operations per thread
  private static final int ROUNDS = Integer.getInteger("relay.calls", 250) / AT_ONCE;
  private static final int SIZES = 400;
  private static final Duration WINDOW = Duration.ofSeconds(2);

  @ParameterizedTest
  @EnumSource(Strategy.class)
  void engine_answers_have_a_serial_order(Strategy strategy) throws Exception {
    Run run = new Run(plan(strategy, 4));
    run.toItsEnd();
    run.check();
  }

  @Test
  void engine_answers_of_a_large_pool_have_a_serial_order() throws Exception {
    Run run = new Run(plan(Strategy.LEAST_LOADED, 20));
    run.toItsEnd();
    run.check();
  }

  @Test
  void an_answer_to_another_request_of_the_same_call_is_noticed() throws Exception {
    Run run = new Run(plan(Strategy.LEAST_LOADED, 4));
    run.toItsEnd();
    run.check();
    List<Request> granted =
        run.requests.stream().filter(r -> r.answer() instanceof Granted).limit(2).toList();
    run.requests.removeAll(granted);
    run.requests.add(answeredAs(granted.getFirst(), granted.getLast()));
    run.requests.add(answeredAs(granted.getLast(), granted.getFirst()));
    assertThrows(AssertionError.class, run::check);
  }

  @Test
  void a_request_that_was_never_sent_and_a_lease_that_was_never_ended_are_noticed()
      throws Exception {
    Run run = new Run(plan(Strategy.LEAST_LOADED, 4));
    run.toItsEnd();
    run.check();
    Request one = run.requests.getFirst();
    run.requests.add(new Request(SIZES + 1, 1, one.answer(), one.madeNanos(), one.answeredNanos()));
    assertThrows(AssertionError.class, run::check);
    var _ = run.requests.removeLast();
    run.endings.add(new Ending("another", 1, 1, 1, 1));
    assertThrows(AssertionError.class, run::check);
  }

  private static Request answeredAs(Request one, Request other) {
    return new Request(
        one.input(), one.output(), other.answer(), one.madeNanos(), one.answeredNanos());
  }

  /** Two keys per account and little capacity, so most answers depend on the order. */
  private static PoolPlan plan(Strategy strategy, int keys) {
    List<KeyPlan> plans =
        IntStream.range(0, keys)
            .mapToObj(n -> new KeyPlan("key" + n, "account" + n / 2, 0, 1 + n % 3, 6 * (n % 3)))
            .toList();
    Limits limits = new Limits(1_200L / keys, 120_000L / keys, 0, 180_000L / keys);
    Map<String, Limits> all = new HashMap<>();
    plans.forEach(k -> all.put(PoolPlan.group(k.account(), Pools.CLASS), limits));
    return new PoolPlan(
        Pools.name("engines"),
        WINDOW,
        strategy,
        Accounting.SLIDING_WINDOW,
        1,
        List.of(Pools.CLASS),
        plans,
        all);
  }

  /** The operations and answers of all threads. */
  private static final class Run {
    private final PoolPlan plan;
    private final Set<Long> sizes = ConcurrentHashMap.newKeySet();
    private final List<Request> requests = new ArrayList<>();
    private final List<Ending> endings = new ArrayList<>();
    private List<Exchange> exchanges = List.of();

    Run(PoolPlan plan) {
      this.plan = plan;
    }

    void toItsEnd() throws Exception {
      List<RedisEngine> engines = new ArrayList<>();
      try (RecordedRedis redis = RecordedRedis.inOrder(RedisUnderTest.url());
          ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
        List<KeyPool> pools = new ArrayList<>();
        for (int n = 0; n < ENGINES; n++) {
          engines.add(RedisEngine.start(Pools.options(redis.url(), "r" + n, Fallback.CLOSED)));
          pools.add(engines.getLast().pool(plan));
          pools.getLast().configure().join();
        }
        CountDownLatch ready = new CountDownLatch(THREADS);
        List<Future<Client>> all = new ArrayList<>();
        for (int n = 0; n < THREADS; n++) {
          Client client = new Client(pools.get(n % ENGINES), n, sizes);
          all.add(
              threads.submit(
                  () -> {
                    ready.countDown();
                    ready.await();
                    client.run();
                    return client;
                  }));
        }
        for (Future<Client> one : all) {
          requests.addAll(one.get().requests);
          endings.addAll(one.get().endings);
        }
        engines.forEach(RedisEngine::close); // close waits until all leases are settled
        exchanges = redis.exchanges().toList();
      }
    }

    void check() {
      EngineHistory engines = new EngineHistory(plan, requests, endings);
      assertNull(engines.of(exchanges.stream()).unexplained());
      assertEquals(THREADS * ROUNDS * AT_ONCE, requests.size());
      long granted = requests.stream().filter(r -> r.answer() instanceof Granted).count();
      long refused = requests.stream().filter(r -> r.answer() instanceof Exhausted).count();
      assertTrue(granted > THREADS, "granted");
      assertTrue(refused > THREADS, "refused");
      assertTrue(engines.mostTogether() > 1, "no call was shared");
      assertTrue(engines.mostTaken() > 1, "no acquire took endings along");
    }
  }

  /** A thread of a replica. */
  private static final class Client {
    private final KeyPool pool;
    private final SplittableRandom random;
    private final Set<Long> sizes; // of the requests of all threads
    private final List<Request> requests = new ArrayList<>();
    private final List<Ending> endings = new ArrayList<>();

    Client(KeyPool pool, int number, Set<Long> sizes) {
      this.pool = pool;
      random = new SplittableRandom(number);
      this.sizes = sizes;
    }

    void run() {
      for (int round = 0; round < ROUNDS; round++) {
        List<CompletableFuture<Request>> asked = new ArrayList<>();
        for (int n = 0; n < AT_ONCE; n++) {
          asked.add(ask());
        }
        for (CompletableFuture<Request> one : asked) {
          Request request = one.join();
          requests.add(request);
          if (request.answer() instanceof Granted(Lease lease)) {
            end(lease);
          }
        }
      }
    }

    private CompletableFuture<Request> ask() {
      long input;
      long output;
      do {
        input = random.nextLong(SIZES);
        output = random.nextLong(SIZES);
      } while (!sizes.add(SIZES * input + output));
      Demand demand = Demand.of(Pools.CLASS, input, output);
      long made = System.nanoTime();
      return pool.acquire(demand)
          .thenApply(
              answer ->
                  new Request(
                      demand.inputTokens(),
                      demand.outputTokens(),
                      answer,
                      made,
                      System.nanoTime()));
    }

    private void end(Lease lease) {
      long made = System.nanoTime();
      if (random.nextInt(5) == 0) {
        lease.cancel();
        endings.add(new Ending(lease.id(), 0, 0, 0, made));
      } else {
        long input = random.nextInt(600);
        long output = random.nextInt(600);
        lease.settle(input, output);
        endings.add(new Ending(lease.id(), 1, input, output, made));
      }
    }
  }
}
