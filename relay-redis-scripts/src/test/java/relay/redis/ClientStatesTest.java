package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.SharedPool.Client;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Demand;
import relay.redis.model.Fallback;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.ClientState;
import relay.redis.model.Share;

/** What a heartbeat tells of the clients of a pool that is short. */
@Tag("slow")
final class ClientStatesTest {
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  /** Requests of batch, which leaves a tenth free: their grants count from the start. */
  private static Demand of(String client, int weight) {
    return Demand.of(Pools.CLASS, 1, 1).sharing(new Share(client, 3, weight, 100, 0));
  }

  private static Map<String, ClientState> clients(KeyPool pool) {
    PoolSnapshot latest = pool.latest();
    return latest == null
        ? Map.of()
        : latest.clients().stream().collect(Collectors.toMap(ClientState::name, c -> c));
  }

  /** What a heartbeat tells, by name. */
  static Map<String, ClientState> standings(SharedPool pool) {
    return pool.standings().stream().collect(Collectors.toMap(ClientState::name, c -> c));
  }

  private static ClientState state(Map<String, ClientState> states, String client) {
    return Objects.requireNonNull(states.get(client));
  }

  private static boolean waits(KeyPool pool, String client, long requests) {
    ClientState state = clients(pool).get(client);
    return state != null && state.waiting() == requests;
  }

  @Test
  void each_client_has_its_part_of_what_was_granted_and_a_queue() throws Exception {
    PoolPlan plan =
        Pools.plan(Pools.name("states"), Duration.ofMinutes(1), 1, new Limits(40, 0, 0, 0));
    try (RedisEngine engine =
            RedisEngine.start(Pools.options(RedisUnderTest.url(), "a", Fallback.CLOSED));
        RedisEngine other =
            RedisEngine.start(Pools.options(RedisUnderTest.url(), "b", Fallback.CLOSED))) {
      KeyPool pool = engine.pool(plan);
      KeyPool seen = other.pool(plan);
      for (int n = 0; n < 9; n++) {
        String client = n < 6 ? "large" : "small";
        assertInstanceOf(Granted.class, pool.acquire(of(client, n < 6 ? 3 : 1)).join());
      }
      assertInstanceOf(Granted.class, pool.acquire(of("greedy", 1)).join());
      while (pool.acquire(of("large", 3)).join() instanceof Granted) {
        // until the pool is short
      }
      for (int n = 0; n < 2; n++) {
        assertInstanceOf(Exhausted.class, pool.acquire(of("small", 1)).join());
      }
      Await.until("both replicas see it", () -> waits(pool, "small", 2) && waits(seen, "small", 2));
      Map<String, ClientState> states = clients(seen);
      double all = states.values().stream().mapToDouble(ClientState::granted).sum();
      assertEquals(all * 3 / 5, state(states, "large").due(), 0.02 * all);
      assertEquals(all / 5, state(states, "small").due(), 0.02 * all);
      assertEquals(3.0 / 40, state(states, "small").granted(), 0.1 * 3 / 40);
      assertEquals(3 / (40 * all / 5), state(states, "small").ratio(), 0.1);
      assertEquals(1, state(states, "large").waiting());
      assertEquals(0, state(states, "greedy").waiting());
    }
  }

  @Test
  void who_asked_within_a_window_is_told_of_while_the_pool_is_short() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(40, 0, 0, 0));
    Client early = pool.client("early", 3, 1, 100, 0);
    Client late = pool.client("late", 3, 1, 100, 0);
    early.ask();
    pool.run(0.5);
    while (late.ask() == 0) {
      // until the pool is short
    }
    Map<String, ClientState> states = standings(pool);
    assertEquals(Set.of("early", "late"), states.keySet());
    assertEquals(Math.exp(-0.5) / 40, state(states, "early").granted(), 1e-5, "half a minute ago");
    assertEquals(1, state(states, "late").waiting());
    pool.run(1.2);
    states = standings(pool);
    assertEquals(Set.of("late"), states.keySet());
    assertEquals(0, state(states, "late").waiting(), "it did not come");
    pool.run(1.6);
    assertEquals(Map.of(), standings(pool));
  }

  @Test
  void places_for_which_nobody_comes_lapse_ever_sooner() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(60, 0, 0, 0));
    Client gone = pool.client("gone", 1);
    long last = gone.askTimes(51).getLast();
    for (long at = 0; at < last + 500_000; at += 100_000) {
      pool.time.at(pool.minute(0) + at, pool::standings);
    }
    pool.run((last + 500_000) / 60e6);
    assertEquals(0, state(standings(pool), "gone").waiting());
  }

  @Test
  void a_heartbeat_tells_of_two_thousand_clients() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(6_000, 0, 0, 0));
    Client last = pool.client("c0", 3, 1, 1, 0);
    for (int n = 0; n < 2_100; n++) {
      last = pool.client("c" + n, 3, 1, 1, 0);
      pool.time.at(pool.minute(0) + n, last::ask);
    }
    pool.run(0.1);
    while (last.ask() == 0) {
      // until the pool is short
    }
    assertEquals(2_000, standings(pool).size());
  }

  @Test
  void of_too_many_promises_the_first_are_kept_of_the_highest_priority() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(1_200, 0, 0, 0));
    Client batch = pool.client("jobs", 3, 1, 0, 0);
    batch.askTimes(1_700);
    Client people = pool.client("people", 1, 1, 0, 0);
    people.askTimes(10);
    assertEquals(10, state(standings(pool), "people").waiting());
    assertEquals(990, state(standings(pool), "jobs").waiting());
  }

  @Test
  void who_is_told_a_time_in_many_windows_gets_no_promise() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(10, 0, 0, 0));
    Client asks = pool.client("asks", 2, 1, 0, 0);
    asks.askTimes(200);
    long waiting = state(standings(pool), "asks").waiting();
    assertTrue(waiting >= 40 && waiting <= 50, waiting + " in five windows");
  }
}
