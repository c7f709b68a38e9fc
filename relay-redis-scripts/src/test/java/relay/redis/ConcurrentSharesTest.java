package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import relay.redis.SharedPool.Client;
import relay.redis.SharedPool.Replica;

/** What clients get of four keys that are at {@code max_concurrent}: 96 answers a minute. */
final class ConcurrentSharesTest {
  private static final int KEYS = 4;
  private static final int MOST = 4;
  private static final int CAPACITY = 6 * KEYS * MOST; // a minute

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private SharedPool pool() {
    List<KeyPlan> keys =
        IntStream.range(0, KEYS)
            .mapToObj(n -> new KeyPlan("key" + n, "account" + n, 0, 1, MOST))
            .toList();
    PoolPlan plan = Pools.plan("shared", Duration.ofMinutes(1), keys, Limits.UNKNOWN);
    return new SharedPool(wire, plan).answeringIn(Duration.ofSeconds(10));
  }

  /**
   * Whoever asks first would get a place that comes free: batch, which asks fifty times as often.
   */
  @Test
  void interactive_requests_get_the_next_place() {
    SharedPool pool = pool();
    Client batch = pool.client("jobs", 3, 1, 0, 20);
    Client people = pool.client("people", 1, 1, 0, 0);
    batch.poll(0, 4, 10 * CAPACITY);
    people.arrive(1, 4, 20, pool.replicas(3), Duration.ofSeconds(5));
    pool.run(4);
    double all = people.between(1, 4) + batch.between(1, 4);
    System.out.printf(
        "Shares at max_concurrent: %d interactive sent, %d refused, waits of %.2f s at p95; %.0f of"
            + " %d places used%n",
        people.sent, people.lost, people.waited(0.95) / 1e6, all, 3 * CAPACITY);
    assertTrue(people.lost <= 0.05 * people.sent, people.lost + " refused");
    assertTrue(all >= 0.94 * 3 * CAPACITY, all + " granted");
  }

  @Test
  void weights_divide_the_places_among_those_who_wait() {
    SharedPool pool = pool();
    List<Replica> replicas = pool.replicas(3);
    List<Integer> weights = List.of(1, 2, 5);
    List<Client> clients = Stream.of(1, 2, 5).map(w -> pool.client("w" + w, w)).toList();
    for (Client client : clients) { // all ask alike
      client.arrive(0, 4, CAPACITY, replicas, Duration.ofMinutes(1));
    }
    pool.run(4);
    double all = clients.stream().mapToDouble(c -> c.between(1, 4)).sum();
    System.out.printf(
        "Shares at max_concurrent: weights 1, 2, 5: %s of %d%n",
        clients.stream().map(c -> c.between(1, 4)).toList(), 3 * CAPACITY);
    for (int n = 0; n < 3; n++) {
      double share = all * weights.get(n) / 8;
      assertEquals(share, clients.get(n).between(1, 4), Math.max(2, 0.06 * share));
    }
    assertTrue(all >= 0.95 * 3 * CAPACITY, all + " granted");
  }
}
