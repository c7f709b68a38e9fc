package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.redis.library.ScriptFile;
import relay.redis.model.Accounting;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Allowance;
import relay.redis.model.Demand;
import relay.redis.model.Dimension;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Usage;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.CooldownStep;
import relay.redis.walk.Step;

/** A pool whose demands name their key: what is granted, what is left, and what a call costs. */
@Tag("slow")
final class NamedKeysTest {
  private static final Pattern STAT = Pattern.compile("cmdstat_(\\S+):calls=(\\d+),.*");

  private final FaultyRedis redis = FaultyRedis.start();
  private final RedisEngine engine =
      RedisEngine.start(Pools.options(redis.url(), "r", Fallback.CLOSED));

  @AfterEach
  void close() {
    engine.close();
    redis.close();
  }

  private KeyPool pool(int keys, Limits limits) {
    return engine.pool(plan(keys, limits));
  }

  private static PoolPlan plan(int keys, Limits limits) {
    PoolPlan plain =
        Pools.plan(
            Pools.name("named"),
            Duration.ofDays(1),
            IntStream.range(0, keys)
                .mapToObj(n -> new KeyPlan("key" + n, "key" + n, 0, 1, 0))
                .toList(),
            limits);
    return new PoolPlan(
        plain.name(),
        plain.window(),
        plain.strategy(),
        plain.accounting(),
        1,
        plain.modelClasses(),
        plain.keys(),
        plain.limits(),
        true);
  }

  private static Demand on(int key) {
    return Pools.one().on("key" + key);
  }

  private static Allowance.Left left(KeyPool pool, int key, Dimension dimension) {
    return Objects.requireNonNull(pool.named().allowance("key" + key)).of(dimension);
  }

  @Test
  void requests_are_granted_on_the_keys_that_they_name() {
    KeyPool pool = pool(40, new Limits(10, 0, 0, 0));
    for (int key : new int[] {3, 17}) {
      List<Acquisition> all =
          IntStream.range(0, 8).mapToObj(n -> pool.acquire(on(key))).toList().stream()
              .map(CompletableFuture::join)
              .toList();
      List<Acquisition> granted = all.stream().filter(Granted.class::isInstance).toList();
      assertEquals(5, granted.size(), "half of the limit at once"); // in any order
      for (Acquisition one : granted) {
        assertEquals("key" + key, assertInstanceOf(Granted.class, one).lease().key());
      }
    }
    assertInstanceOf(NoneUsable.class, pool.acquire(Pools.one().on("other")).join());
    UsageTally.Standing use = pool.named().use("key17").join();
    assertEquals(new UsageTally.Standing(new Usage(5, 50, 50), 5), use);
    assertEquals(new UsageTally.Standing(Usage.NONE, 0), pool.named().use("key18").join());
  }

  @Test
  void requests_on_different_keys_share_a_call() {
    KeyPool pool = pool(100, new Limits(10, 0, 0, 0));
    pool.acquire(on(0)).join();
    Map<String, Long> before = commands();
    redis.freeze(); // or a slow machine sends each request before the next one arrives
    List<CompletableFuture<Acquisition>> all =
        IntStream.range(0, 96).mapToObj(n -> pool.acquire(on(n))).toList();
    redis.thaw();
    all.forEach(one -> assertInstanceOf(Granted.class, one.join()));
    long calls = since(before).getOrDefault("fcall", 0L);
    // two calls of one request each are under way, six carry the others; the rest are heartbeats
    assertTrue(calls <= 24, calls + " calls for 96 requests on 96 keys");
  }

  /** The promise of `remaining`: so much is granted now, and no more. */
  @Test
  void what_is_left_is_granted_and_no_more() {
    Random random = new Random(7);
    int checked = 0;
    for (int round = 0; round < 60; round++) {
      long rpm = 1L + random.nextInt(60);
      KeyPool pool = pool(1, new Limits(rpm, 0, 0, 0));
      int some = random.nextInt(1 + (int) rpm);
      List<Lease> held = new ArrayList<>();
      for (int n = 0; n < some; n++) {
        if (pool.acquire(on(0)).join() instanceof Granted(Lease lease)) {
          held.add(lease);
        }
      }
      held.subList(0, random.nextInt(1 + held.size())).forEach(Lease::cancel);
      pool.snapshot().join(); // comes after the cancels, which wait for a call to go with
      pool.named().use("key0").join();
      long left = left(pool, 0, Dimension.REQUESTS).left();
      for (long n = 0; n < left; n++) {
        assertInstanceOf(Granted.class, pool.acquire(on(0)).join(), n + " of " + left);
        checked++;
      }
      Acquisition more = pool.acquire(on(0)).join();
      assertInstanceOf(Exhausted.class, more, "more than " + left + " of " + rpm);
      assertEquals(0, left(pool, 0, Dimension.REQUESTS).left());
    }
    assertTrue(checked > 100, "only " + checked);
  }

  /** The same at a test's times, in which use flows off, a replica is missing, the key cools. */
  @ParameterizedTest
  @EnumSource(Accounting.class)
  void what_is_left_at_any_time_is_granted_and_no_more(Accounting accounting) {
    Random random = new Random(13);
    Limits limits = new Limits(60, 0, 0, 0);
    try (ScriptConnection wire = new ScriptConnection(redis.url())) {
      PoolPlan plan = Pools.named(Pools.accounting("left", accounting, limits));
      RedisKeys names = new RedisKeys("left", plan.name());
      long micros = 1_790_000_000_000_000L;
      wire.call(new Step.Configure(0, 7, plan), names, new Clock(micros, 0));
      wire.heartbeat("missing", names, new Clock(micros, 0), "0 0 - 1");
      for (int round = 0; round < 100; round++) {
        micros += random.nextInt(8_000_000);
        wire.heartbeat("r", names, new Clock(micros, 0), "0 0 - 1");
        if (round % 20 == 10) {
          Step cooldown = new CooldownStep("g:account0/" + Pools.CLASS, 4_000, 0);
          wire.call(cooldown, names, new Clock(micros, 0));
        }
        long left = (Long) named(wire, names, micros, "-").get(7);
        int most = 1 + random.nextInt(60);
        int granted = 0;
        while (granted < most
            && named(wire, names, micros, round + "." + granted).get(2).equals(1L)) {
          granted++;
        }
        String told = "round %d: %d left, %d granted".formatted(round, left, granted);
        assertTrue(granted < most ? granted == left : granted <= left, told);
      }
    }
  }

  private static List<Object> named(
      ScriptConnection wire, RedisKeys names, long micros, String lease) {
    byte[][] k = {names.state, names.win, names.leases, names.due, names.later, names.budgets};
    String line = "7 0 %d 3000000 0 1 0 5 5 -".formatted(micros);
    return wire.call(ScriptFile.ACQUIRE_NAMED, k, line, lease, "key0 account0/" + Pools.CLASS);
  }

  @Test
  void tokens_that_are_left_fit_as_one_request() {
    Random random = new Random(11);
    for (int round = 0; round < 60; round++) {
      KeyPool pool = pool(1, new Limits(0, 0, 0, 10_000));
      for (int n = 0; n < 4; n++) {
        long tokens = random.nextInt(3_000);
        pool.acquire(Demand.of(Pools.CLASS, tokens, 0).on("key0")).join();
      }
      pool.named().use("key0").join();
      long left = left(pool, 0, Dimension.TOTAL_TOKENS).left();
      Demand more = Demand.of(Pools.CLASS, left + 3, 0).on("key0"); // some flow off meanwhile
      assertInstanceOf(Exhausted.class, pool.acquire(more).join(), left + " left");
      Demand all = Demand.of(Pools.CLASS, left, 0).on("key0");
      assertInstanceOf(Granted.class, pool.acquire(all).join(), left + " left");
    }
  }

  @Test
  void the_whole_limit_is_left_after_the_time_that_is_told() {
    KeyPool pool = pool(2, new Limits(10, 0, 0, 0));
    pool.named().use("key1").join();
    assertEquals(new Allowance.Left(5, Duration.ZERO), left(pool, 1, Dimension.REQUESTS));
    pool.acquire(on(0)).join();
    Duration full = left(pool, 0, Dimension.REQUESTS).full();
    Duration slot = Duration.ofDays(1).dividedBy(240);
    assertTrue(full.compareTo(Duration.ofDays(1)) > 0, full.toString());
    assertTrue(full.compareTo(Duration.ofDays(1).plus(slot.multipliedBy(2))) <= 0, full.toString());
    assertEquals(new Allowance.Left(0, Duration.ZERO), left(pool, 0, Dimension.INPUT_TOKENS));
  }

  @Test
  void ten_thousand_keys_cost_a_request_what_ten_cost() {
    double few = commandsPerRequest(10);
    double many = commandsPerRequest(10_000);
    System.out.printf("Commands of a request on 1 of 10 keys %.2f, of 10,000 %.2f%n", few, many);
    assertTrue(many <= 1.2 * few, many + " against " + few);
  }

  /** Grants that end the lease before them, on ten keys in turn; beside no heartbeats. */
  private double commandsPerRequest(int keys) {
    try (ScriptConnection wire = new ScriptConnection(redis.url())) {
      PoolPlan plan = plan(keys, new Limits(1_000_000, 0, 0, 1_000_000_000));
      RedisKeys names = new RedisKeys("cost", plan.name());
      Step step = new Step.Configure(0, 7, plan);
      Clock clock = new Clock(1_790_000_000_000_000L, 0);
      wire.call(step, names, clock);
      int requests = 1_000;
      serve(wire, names, keys, 0, 100);
      Map<String, Long> before = commands();
      serve(wire, names, keys, 100, 100 + requests);
      Map<String, Long> cost = since(before);
      cost.remove("info");
      return (double) cost.values().stream().mapToLong(calls -> calls).sum() / requests;
    }
  }

  private static void serve(ScriptConnection wire, RedisKeys names, int keys, int from, int to) {
    byte[][] k = {names.state, names.win, names.leases, names.due, names.later, names.budgets};
    for (int n = from; n < to; n++) {
      String key = "key" + n % 10 * (keys / 10);
      long micros = 1_790_000_000_000_000L + n * 100L;
      String line = "7 0 %d 30000 1 1 0 1 5 5 10 10 -".formatted(micros);
      String row = key + " " + key + "/" + Pools.CLASS;
      List<Object> reply =
          wire.call(ScriptFile.ACQUIRE_NAMED, k, line, "l" + (n - 1), "l" + n, row);
      assertEquals(16, reply.size(), reply.toString());
      assertEquals(List.of(1L, key), reply.subList(3, 5));
      assertEquals(n == 0 ? -3L : 0L, reply.get(2), "the lease before it has ended");
    }
  }

  private Map<String, Long> commands() {
    try (ScriptConnection wire = new ScriptConnection(redis.url())) {
      Map<String, Long> all = new HashMap<>();
      wire.redis()
          .info("commandstats")
          .lines()
          .map(STAT::matcher)
          .filter(Matcher::matches)
          .forEach(m -> all.put(m.group(1), Long.parseLong(m.group(2))));
      return all;
    }
  }

  private Map<String, Long> since(Map<String, Long> before) {
    Map<String, Long> now = commands();
    now.replaceAll((name, calls) -> calls - before.getOrDefault(name, 0L));
    return now;
  }
}
