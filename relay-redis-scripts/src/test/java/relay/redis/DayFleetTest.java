package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.guards.Await;
import relay.redis.model.Accounting;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.Days;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.Strategy;
import relay.redis.script.RedisKeys;

/** Replicas share a day's limits. */
final class DayFleetTest {
  private final PlannedFleet fleet = new PlannedFleet();

  @AfterEach
  void close() {
    fleet.close();
  }

  /** Accounts of one key each: few are compared one by one, many are in an index. */
  private PoolPlan plan(int accounts, long requestsADay) {
    List<KeyPlan> keys =
        IntStream.range(0, accounts).mapToObj(n -> PlannedFleet.key("k" + n)).toList();
    Map<String, Days.Count> limits = new HashMap<>();
    keys.forEach(
        k ->
            limits.put(
                PoolPlan.group(k.account(), Pools.CLASS), new Days.Count(requestsADay, 1_000_000)));
    return new PoolPlan(
        fleet.name(),
        Duration.ofMinutes(1),
        Strategy.LEAST_LOADED,
        Accounting.SLIDING_WINDOW,
        1,
        List.of(Pools.CLASS),
        keys,
        Map.of(),
        false,
        new Days(limits, null, Days.NONE.zone()));
  }

  @ParameterizedTest
  @ValueSource(ints = {4, PlannedFleet.MANY})
  void three_replicas_admit_what_a_day_allows_and_no_more(int accounts) {
    int limit = 30;
    int asked = accounts * limit + 100;
    List<KeyPool> pools =
        List.of("a", "b", "c").stream()
            .map(name -> fleet.engine(name).pool(plan(accounts, limit)))
            .toList();
    List<CompletableFuture<Acquisition>> all = new ArrayList<>();
    for (int n = 0; n < asked; n++) {
      all.add(pools.get(n % 3).acquire(Pools.one()));
    }
    Map<String, Integer> granted = new HashMap<>();
    List<Lease> leases = new ArrayList<>();
    for (CompletableFuture<Acquisition> one : all) {
      switch (one.join()) {
        case Granted(Lease lease) -> {
          leases.add(lease);
          granted.merge(lease.key(), 1, Integer::sum);
        }
        case Exhausted e -> {
          assertEquals(Reason.REQUESTS_A_DAY, e.reason());
          assertTrue(e.retryAfter().compareTo(Duration.ofHours(24)) > 0, e.toString());
          assertTrue(e.retryAfter().compareTo(Duration.ofMinutes(24 * 60 + 10)) <= 0);
        }
        case Acquisition other -> throw new AssertionError(other.toString());
      }
    }
    assertEquals(accounts, granted.size());
    granted.forEach((key, many) -> assertEquals(limit, many, key));

    leases.getFirst().cancel(); // never sent, so there is room for one
    Await.until(
        "the cancel arrives",
        PlannedFleet.SOON,
        () -> pools.get(1).acquire(Pools.one()).join() instanceof Granted);
    assertInstanceOf(Exhausted.class, pools.get(2).acquire(Pools.one()).join());
    PoolSnapshot seen = pools.getFirst().snapshot().join();
    assertTrue(seen.nextCapacity().compareTo(Duration.ofHours(24)) > 0, seen.toString());
    assertEquals(new Days.Count(limit, 20L * limit), seen.groups().getFirst().dayUsed());
    assertEquals(new Days.Count(limit, 1_000_000), seen.groups().getFirst().dayLimits());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void the_smaller_limit_holds_while_a_change_goes_through_the_fleet(boolean isLast) {
    KeyPool first = fleet.engine("a").pool(plan(1, isLast ? 30 : 20));
    KeyPool second = fleet.engine("b").pool(plan(1, isLast ? 20 : 30));
    for (int n = 0; n < 20; n++) {
      assertInstanceOf(Granted.class, (n % 2 == 0 ? first : second).acquire(Pools.one()).join());
    }
    assertInstanceOf(Exhausted.class, second.acquire(Pools.one()).join());
    assertInstanceOf(Exhausted.class, first.acquire(Pools.one()).join());
    (isLast ? second : first).reconfigure(plan(1, 30)).join();
    Await.until(
        "the last replica has left the smaller limit",
        PlannedFleet.SOON,
        () -> first.acquire(Pools.one()).join() instanceof Granted);
    assertEquals(30, first.snapshot().join().groups().getFirst().dayLimits().requests());
  }

  @Test
  void what_a_day_has_used_survives_the_loss_of_redis_data() {
    KeyPool pool = fleet.engine("a").pool(plan(1, 30));
    for (int n = 0; n < 20; n++) {
      assertInstanceOf(Granted.class, pool.acquire(Pools.one()).join());
    }
    Await.until(
        "the replica has seen it",
        PlannedFleet.SOON,
        () -> {
          PoolSnapshot latest = pool.latest();
          return latest != null && latest.groups().getFirst().dayUsed().requests() == 20;
        });
    fleet.wire().names(fleet.keys().base()).stream()
        .map(RedisKeys::bytes)
        .forEach(name -> fleet.wire().redis().del(name));
    int granted = 0;
    while (pool.acquire(Pools.one()).join() instanceof Granted) {
      granted++;
    }
    assertEquals(10, granted);
  }
}
