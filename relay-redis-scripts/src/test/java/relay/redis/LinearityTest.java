package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.redis.model.Accounting;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.HeldLease;
import relay.redis.walk.History;
import relay.redis.walk.History.Call;
import relay.redis.walk.Step;
import relay.redis.walk.Wish;

/**
 * Eight threads on four connections acquire, settle, cancel and renew, on Redis's own clock. The
 * replies must have one serial order that the model explains.
 */
@Tag("slow")
final class LinearityTest {
  private static final int THREADS = 8;
  private static final int CONNECTIONS = 4;
  private static final int CALLS = Integer.getInteger("relay.calls", 250); // operations per thread
  private static final int TRIES = 5;
  private static final int LEASE_MS = 30_000;
  private static final long EPOCH = 7;
  private static final Duration WINDOW = Duration.ofSeconds(2);
  private static final String SET = "ready:model:0";

  @ParameterizedTest
  @EnumSource(Strategy.class)
  void replies_have_a_serial_order(Strategy strategy) throws Exception {
    History history = recorded(strategy, 4, false);
    assertNull(history.unexplained());
    for (int n = 1; n < TRIES && settled(history) <= THREADS; n++) { // chance ended them otherwise
      history = recorded(strategy, 4, false);
      assertNull(history.unexplained());
    }
    assertTrue(some(history, call -> code(call) == 1 && isAcquire(call)) > THREADS, "granted");
    assertTrue(some(history, call -> code(call) == 0 && isAcquire(call)) > THREADS, "refused");
    assertTrue(settled(history) > THREADS, "settled");
    assertTrue(some(history, call -> code(call) == -4 && isSettle(call)) > 0, "settled twice");
    assertTrue(some(history, call -> taken(call) > 0) > 0, "settled by an acquire");
    assertTrue(overlaps(history), "nothing was done at once");
  }

  @Test
  void replies_of_a_large_pool_have_a_serial_order() throws Exception {
    assertNull(recorded(Strategy.LEAST_LOADED, 20, true).unexplained());
  }

  @Test
  void an_impossible_history_is_rejected() throws Exception {
    History history = recorded(Strategy.LEAST_LOADED, 4, false);
    assertNull(history.unexplained());
    List<Call> calls = history.calls();
    int grant = first(calls, call -> code(call) == 1 && isAcquire(call));
    int refusal = first(calls, call -> code(call) == 0 && isAcquire(call));
    int settle = first(calls, call -> code(call) >= 0 && isSettle(call));
    int both = first(calls, call -> taken(call) > 0);

    assertNotNull(with(history, grant, null).unexplained(), "a grant that nobody got");
    Call refused = calls.get(refusal);
    assertNotNull(
        with(history, refusal, answered(refused, place(refused), 1L)).unexplained(),
        "a grant beyond the limit");
    int wait = place(refused) + 1;
    assertNotNull(
        with(history, refusal, answered(refused, wait, 1_000L + (Long) refused.reply().get(wait)))
            .unexplained(),
        "a wait that is a millisecond too long");
    Call settled = calls.get(settle);
    assertNotNull(
        with(history, settle, answered(settled, 2, 1L + code(settled))).unexplained(),
        "overage that nobody used");
    assertNotNull(
        with(history, settle, answered(settled, 2, -4L)).unexplained(), "a settle that was none");
    assertNotNull(
        with(history, both, answered(calls.get(both), 2, -4L)).unexplained(),
        "a lease that an acquire ended, and did not");
    long early = history.calls().stream().mapToLong(Call::madeNanos).min().orElseThrow() - 2;
    Call last = calls.stream().max((a, b) -> Long.compare(a.madeNanos(), b.madeNanos())).get();
    Call impossible = new Call(early, early + 1, last.step(), last.reply());
    assertNotNull(
        with(history, calls.indexOf(last), impossible).unexplained(),
        "a call that was answered before all others, but is of a later time of the pool");
  }

  @Test
  void calls_of_one_microsecond_are_tried_in_every_order_that_their_times_allow() {
    RedisKeys names = new RedisKeys("linear", Pools.name("p"));
    Step.Configure configure = configure(Strategy.LEAST_LOADED, 1, false);
    List<String> fields = List.of("k:key0", "g:account0/model");
    Clock noon = new Clock(1_790_000_000_000_000L, 0);
    try (ScriptConnection wire = new ScriptConnection(RedisUnderTest.url())) {
      List<Object> answer = call(wire, names, configure, noon).reply();
      Step acquire = Step.acquire("first", EPOCH, 1, 1, LEASE_MS, fields);
      List<Object> granted = call(wire, names, acquire, noon).reply();
      List<Object> settled = call(wire, names, Step.settle("first", 1, 1), noon).reply();
      Call one = new Call(5, 20, acquire, granted);
      Call atOnce = new Call(0, 10, Step.settle("first", 1, 1), settled);
      assertNull(new History(configure, answer, List.of(atOnce, one)).unexplained());
      Call before = new Call(0, 4, Step.settle("first", 1, 1), settled);
      assertNotNull(new History(configure, answer, List.of(before, one)).unexplained());
    }
  }

  private static History with(History history, int at, @Nullable Call other) {
    List<Call> calls = new ArrayList<>(history.calls());
    if (other == null) {
      calls.remove(at);
    } else {
      calls.set(at, other);
    }
    return new History(history.configured(), history.answer(), calls);
  }

  private static Call answered(Call call, int at, long value) {
    List<Object> reply = new ArrayList<>(call.reply());
    reply.set(at, value);
    return new Call(call.madeNanos(), call.answeredNanos(), call.step(), reply);
  }

  private static int first(List<Call> calls, Predicate<Call> which) {
    return IntStream.range(0, calls.size())
        .filter(n -> which.test(calls.get(n)))
        .findFirst()
        .orElseThrow();
  }

  private static long settled(History history) {
    return some(history, call -> code(call) >= 0 && isSettle(call));
  }

  private static long some(History history, Predicate<Call> which) {
    return history.calls().stream().filter(which).count();
  }

  private static boolean isAcquire(Call call) {
    return call.step() instanceof Step.Acquire;
  }

  private static boolean isSettle(Call call) {
    return call.step() instanceof Step.Settle;
  }

  private static long code(Call call) {
    return (Long) call.reply().get(place(call));
  }

  /** Index of the first result in a reply. */
  private static int place(Call call) {
    return 2 + endings(call.step()).size();
  }

  private static List<Step.Cost> endings(Step step) {
    return switch (step) {
      case Step.Acquire a -> a.endings();
      case Step.AcquireIndexed a -> a.endings();
      default -> List.of();
    };
  }

  /** Leases that an acquire ended. */
  private static long taken(Call call) {
    return call.reply().subList(2, place(call)).stream().filter(told -> (Long) told >= 0).count();
  }

  private static boolean overlaps(History history) {
    List<Call> calls = history.calls();
    return IntStream.range(1, calls.size())
        .anyMatch(n -> calls.get(n).madeNanos() - calls.get(n - 1).answeredNanos() < 0);
  }

  private static History recorded(Strategy strategy, int keys, boolean indexed) throws Exception {
    RedisKeys names = new RedisKeys("linear", Pools.name("p"));
    Step.Configure configure = configure(strategy, keys, indexed);
    List<ScriptConnection> wires = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      for (int n = 0; n < CONNECTIONS; n++) {
        wires.add(new ScriptConnection(RedisUnderTest.url()));
      }
      List<Object> answer = call(wires.getFirst(), names, configure, Clock.OF_REDIS).reply();
      CountDownLatch ready = new CountDownLatch(THREADS);
      List<Future<List<Call>>> all = new ArrayList<>();
      for (int n = 0; n < THREADS; n++) {
        Client client = new Client(wires.get(n % CONNECTIONS), names, configure, n);
        all.add(
            threads.submit(
                () -> {
                  ready.countDown();
                  ready.await();
                  return client.run();
                }));
      }
      List<Call> calls = new ArrayList<>();
      for (Future<List<Call>> one : all) {
        calls.addAll(one.get());
      }
      assertEquals(THREADS * CALLS, calls.size());
      calls.sort((a, b) -> Long.compare(a.madeNanos(), b.madeNanos()));
      return new History(configure, answer, calls);
    } finally {
      wires.forEach(ScriptConnection::close);
    }
  }

  /** Two keys per account and little capacity, so most replies depend on the order. */
  private static Step.Configure configure(Strategy strategy, int keys, boolean indexed) {
    List<KeyPlan> plans =
        IntStream.range(0, keys)
            .mapToObj(n -> new KeyPlan("key" + n, "account" + n / 2, 0, 1 + n % 3, n % 5))
            .toList();
    Limits limits = new Limits(600L / keys, 40_000L / keys, 0, 60_000L / keys);
    PoolPlan small = Pools.plan("linear", WINDOW, plans, limits);
    Map<String, Limits> all = new HashMap<>();
    small.groups().forEach(group -> all.put(group, limits));
    PoolPlan plan =
        new PoolPlan(
            "linear",
            WINDOW,
            strategy,
            Accounting.SLIDING_WINDOW,
            1,
            small.modelClasses(),
            plans,
            all);
    List<Object> rows = new ArrayList<>();
    for (KeyPlan key : indexed ? plans : List.<KeyPlan>of()) {
      rows.addAll(List.of(1, key.id(), PoolPlan.group(key.account(), Pools.CLASS), 1));
    }
    return new Step.Configure(0, EPOCH, plan, indexed ? List.of(SET) : List.of(), rows);
  }

  private static Call call(ScriptConnection wire, RedisKeys names, Step step, Clock clock) {
    byte[][] keys = step.keys(names);
    Object[] args = step.args(clock).toArray();
    long made = System.nanoTime();
    List<Object> reply = wire.call(step.script(), keys, args);
    return new Call(made, System.nanoTime(), step, reply);
  }

  /** A thread of a replica. */
  private record Client(
      ScriptConnection wire, RedisKeys names, Step.Configure configured, int number) {
    List<Call> run() {
      SplittableRandom random = new SplittableRandom(number);
      List<String> ids = new ArrayList<>();
      List<String> granted = new ArrayList<>();
      List<Call> calls = new ArrayList<>();
      for (int n = 0; n < CALLS; n++) {
        // a fast machine gets few grants, and half of the other calls need them
        boolean had = !granted.isEmpty() && random.nextBoolean();
        Call call = call(wire, names, step(random, ids, had ? granted : ids), Clock.OF_REDIS);
        calls.add(call);
        if (isAcquire(call) && code(call) == 1) {
          granted.add(((Step.Acquire) call.step()).wishes().getFirst().id());
        }
      }
      return calls;
    }

    private Step step(SplittableRandom random, List<String> ids, List<String> some) {
      int what = some.isEmpty() ? 0 : random.nextInt(10);
      String id =
          some.isEmpty() ? "" : some.get(random.nextInt(Math.max(0, some.size() - 6), some.size()));
      return switch (what) {
        case 0, 1, 2 -> acquire(random, ids, List.of());
        case 3, 4 -> acquire(random, ids, some.isEmpty() ? List.of() : List.of(cost(random, id)));
        case 5 -> new Step.Settle(List.of(new Step.Cost(id, 0, 0, 0)), configured.sets());
        case 6 -> new Step.Renew(LEASE_MS, List.of(HeldLease.of(id)));
        default -> new Step.Settle(List.of(cost(random, id)), configured.sets());
      };
    }

    private static Step.Cost cost(SplittableRandom random, String id) {
      return new Step.Cost(id, 1, random.nextInt(600), random.nextInt(600));
    }

    /** The replies of one request, or of several that share a call. */
    private Step acquire(SplittableRandom random, List<String> ids, List<Step.Cost> endings) {
      List<Wish> wishes = new ArrayList<>();
      for (int n = random.nextInt(1, 4); n > 0; n--) {
        ids.add("l" + number + "-" + ids.size());
        wishes.add(new Wish(ids.getLast(), random.nextInt(400), random.nextInt(400), ""));
      }
      List<String> fields = new ArrayList<>();
      for (KeyPlan key : configured.plan().keys()) {
        fields.add("k:" + key.id());
        fields.add("g:" + PoolPlan.group(key.account(), Pools.CLASS));
      }
      return configured.sets().isEmpty()
          ? new Step.Acquire(endings, wishes, EPOCH, LEASE_MS, fields)
          : new Step.AcquireIndexed(
              endings,
              wishes,
              EPOCH,
              LEASE_MS,
              configured.sets(),
              configured.sets(),
              List.of(),
              fields);
    }
  }
}
