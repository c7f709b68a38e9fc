package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static relay.redis.PlannedFleet.MANY;
import static relay.redis.PlannedFleet.lease;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.guards.Await;
import relay.redis.SharedPool.Client;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Demand;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;

/** Kinds of requests share the quota of their class, and an account may refuse them alone. */
@Tag("slow")
final class KindsTest {
  private static final Duration HALF_MINUTE = Duration.ofSeconds(30);

  private final PlannedFleet fleet = new PlannedFleet();

  @AfterEach
  void close() {
    fleet.close();
  }

  private PoolPlan many(int keys) {
    return Pools.plan(
        fleet.name(), PlannedFleet.HOUR, Pools.keys(keys, keys, 0), PlannedFleet.requests(1_000));
  }

  private static Demand of(KeyPool pool, String kind) {
    return Pools.one().ofKind(pool.kind(Pools.CLASS, kind));
  }

  private static void awaitCooling(KeyPool pool, int groups) {
    Await.until(
        "Redis knows it",
        PlannedFleet.SOON,
        () ->
            groups
                == pool.snapshot().join().groups().stream()
                    .filter(g -> !g.cooldown().isZero())
                    .count());
  }

  private static long waitMillis(KeyPool pool, Demand demand) {
    return assertInstanceOf(Exhausted.class, pool.acquire(demand).join()).retryAfter().toMillis();
  }

  @Test
  void all_kinds_together_get_one_limit() {
    KeyPool pool = fleet.engine("r1").pool(fleet.plan(40, "a"));
    int granted = 0;
    for (int n = 0; n < 100; n++) {
      Demand demand = n % 4 == 0 ? Pools.one() : of(pool, "kind" + n % 4);
      granted += pool.acquire(demand).join() instanceof Granted ? 1 : 0;
    }
    assertEquals(20, granted, "half of the limit at once");
    assertEquals(20, PlannedFleet.group(pool, "a").used().requests());
  }

  @ParameterizedTest
  @ValueSource(ints = {2, MANY})
  void an_account_that_refuses_a_kind_gets_all_others(int keys) {
    KeyPool first = fleet.engine("r1").pool(many(keys));
    KeyPool other = fleet.engine("r2").pool(many(keys));
    String fast = first.kind(Pools.CLASS, "fast");
    first.coolKind("account0", Pools.CLASS, fast, HALF_MINUTE);
    awaitCooling(first, 1);
    List<String> plain = new ArrayList<>();
    for (int n = 0; n < 3 * keys; n++) {
      assertNotEquals("key0", lease(other.acquire(of(other, "fast"))).key());
      plain.add(lease(other.acquire(Pools.one())).key());
      plain.add(lease(other.acquire(of(other, "slow"))).key());
    }
    assertTrue(plain.contains("key0"));
  }

  @ParameterizedTest
  @ValueSource(ints = {2, MANY})
  void where_all_refuse_it_the_time_is_that_of_the_first_and_others_go_on(int keys) {
    KeyPool pool = fleet.engine("r1").pool(many(keys));
    String fast = pool.kind(Pools.CLASS, "fast");
    for (int n = 0; n < keys; n++) {
      pool.coolKind("account" + n, Pools.CLASS, fast, HALF_MINUTE.plusSeconds(n));
    }
    awaitCooling(pool, keys);
    long told = waitMillis(pool, of(pool, "fast"));
    assertTrue(told > 20_000 && told <= 30_000, "told " + told);
    assertInstanceOf(Granted.class, pool.acquire(Pools.one()).join());
    pool.quarantine(List.of("key1"), "test");
    told = waitMillis(pool, of(pool, "fast"));
    assertTrue(told > 20_000 && told <= 30_000, "told " + told);
    assertEquals(
        0,
        pool.snapshot().join().groups().stream()
            .filter(g -> g.modelClass().equals(Pools.CLASS) && !g.cooldown().isZero())
            .count());
  }

  @Test
  void without_a_told_time_it_doubles_and_a_restored_account_serves_it() {
    KeyPool pool = fleet.engine("r1").pool(fleet.plan(1_000, "a"));
    Demand fast = of(pool, "fast");
    pool.coolKind("of-a", Pools.CLASS, "fast", Duration.ZERO);
    awaitCooling(pool, 1);
    long told = waitMillis(pool, fast);
    assertTrue(told > 0 && told <= 1_000, "told " + told);
    pool.operator().restore("a").join();
    assertInstanceOf(Granted.class, pool.acquire(fast).join());
  }

  @Test
  void eight_kinds_of_a_class_are_told_apart() {
    KeyPool pool = fleet.engine("r1").pool(fleet.plan(1_000, "a"));
    for (int n = 0; n < 8; n++) {
      assertEquals("k" + n, pool.kind(Pools.CLASS, "k" + n));
    }
    assertEquals("", pool.kind(Pools.CLASS, "more"));
    assertEquals("k0", pool.kind(Pools.CLASS, "k0"));
  }

  /** In virtual time: 60 requests a minute, and two clients of equal weight that obey. */
  @ParameterizedTest
  @CsvSource({"true", "false"})
  void a_client_that_asks_for_all_kinds_gets_no_more_than_its_part(boolean ofKinds) {
    try (ScriptConnection wire = new ScriptConnection(RedisUnderTest.url())) {
      List<String> kinds = Stream.of("a", "b", "c").map(k -> Pools.CLASS + "+" + k).toList();
      PoolPlan plan =
          Pools.plan("shared", Duration.ofMinutes(1), 1, new Limits(60, 0, 0, 0))
              .having(List.of(), kinds);
      SharedPool pool = new SharedPool(wire, plan);
      Client greedy = pool.client("greedy", 1);
      Client bystander = pool.client("bystander", 1);
      if (ofKinds) {
        greedy.ofKinds(" +a", " +b", " +c", "");
      }
      greedy.obeyAtOnce(12, Duration.ZERO, Duration.ZERO);
      bystander.obeyAtOnce(12, Duration.ZERO, Duration.ZERO);
      pool.run(6);
      assertTrue(most(greedy, bystander) <= 60, "in a window: " + most(greedy, bystander));
      double part = bystander.between(2, 6) / (bystander.between(2, 6) + greedy.between(2, 6));
      assertTrue(part > 0.45 && part < 0.55, "the bystander's part is " + part);
    }
  }

  /** The most that both got in a minute. */
  private static long most(Client one, Client other) {
    List<Long> all = Stream.concat(one.grants.stream(), other.grants.stream()).sorted().toList();
    return all.stream()
        .mapToLong(
            from -> all.stream().filter(at -> at >= from && at < from + SharedPool.MINUTE).count())
        .max()
        .orElse(0);
  }
}
