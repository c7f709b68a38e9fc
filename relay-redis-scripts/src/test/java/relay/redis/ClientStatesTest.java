package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.Acquisition.Exhausted;
import relay.redis.Acquisition.Granted;
import relay.redis.PoolSnapshot.ClientState;

/** What a heartbeat tells of the clients of a pool that is short. */
final class ClientStatesTest {
  /** Of batch, which leaves a tenth free: its grants count from the start. */
  private static Demand of(String client, int weight) {
    return Demand.of(Pools.CLASS, 1, 1).sharing(new Share(client, 3, weight, 100, 0));
  }

  private static Map<String, ClientState> clients(KeyPool pool) {
    PoolSnapshot latest = pool.latest();
    return latest == null
        ? Map.of()
        : latest.clients().stream().collect(Collectors.toMap(ClientState::name, c -> c));
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
}
