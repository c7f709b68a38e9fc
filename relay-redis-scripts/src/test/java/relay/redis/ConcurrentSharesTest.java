package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.redis.SharedPool.Client;
import relay.redis.SharedPool.Replica;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.walk.QuarantineStep;

/**
 * What clients get of keys that are at {@code max_concurrent}: six answers a minute for each place.
 * A large pool has an index of its keys, or of its groups of many keys.
 */
@Tag("slow")
final class ConcurrentSharesTest {
  private static final String SMALL = "4, 4, 4";
  private static final String LARGE = "20, 20, 2";
  private static final String LARGE_OF_FEW_GROUPS = "24, 3, 1";

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private SharedPool pool(int keys, int groups, int most) {
    List<KeyPlan> all = Pools.keys(keys, groups, most);
    PoolPlan plan = Pools.plan("shared", Duration.ofMinutes(1), all, Limits.UNKNOWN);
    return new SharedPool(wire, plan).answeringIn(Duration.ofSeconds(10));
  }

  @ParameterizedTest
  @CsvSource({SMALL, LARGE, LARGE_OF_FEW_GROUPS})
  void interactive_requests_get_the_next_place(int keys, int groups, int most) {
    interactive(pool(keys, groups, most), 6 * keys * most);
  }

  /** Its places are free, and nobody can have them. */
  @ParameterizedTest
  @CsvSource({SMALL, LARGE})
  void so_they_do_while_a_key_is_quarantined(int keys, int groups, int most) {
    SharedPool pool = pool(keys, groups, most);
    pool.call(new QuarantineStep("refused", List.of("key0")));
    interactive(pool, 6 * (keys - 1) * most);
  }

  /**
   * Whoever asks first would get a place that comes free: batch, which asks fifty times as often.
   */
  private static void interactive(SharedPool pool, int capacity) {
    Client batch = pool.client("jobs", 3, 1, 0, 20);
    Client people = pool.client("people", 1, 1, 0, 0);
    batch.poll(0, 4, 10 * capacity);
    people.arrive(1, 4, 20, pool.replicas(3), Duration.ofSeconds(5));
    pool.run(4);
    double all = people.between(1, 4) + batch.between(1, 4);
    System.out.printf(
        "Shares at max_concurrent: %d interactive sent, %d refused, waits of %.2f s at p95; %.0f of"
            + " %d places used%n",
        people.sent, people.lost, people.waited(0.95) / 1e6, all, 3 * capacity);
    assertTrue(people.lost <= 0.01 * people.sent, people.lost + " refused");
    assertTrue(all >= 0.94 * 3 * capacity, all + " granted");
  }

  /** Those who wait for one account leave the places on others to whoever can use them. */
  @Test
  void requests_that_must_go_to_one_account_have_their_turn_there() {
    SharedPool pool = pool(4, 4, 4);
    List<Replica> replicas = pool.replicas(3);
    Client bound = pool.client("bound", 1).bound();
    Client others = pool.client("others", 1);
    int capacity = 96;
    bound.arrive(0, 4, capacity / 2.0, replicas, Duration.ofMinutes(1));
    others.arrive(0, 4, capacity, replicas, Duration.ofMinutes(1));
    pool.run(4);
    double all = bound.between(1, 4) + others.between(1, 4);
    System.out.printf(
        "Shares at max_concurrent: %.0f bound to one of four accounts; %.0f of %d places used%n",
        bound.between(1, 4), all, 3 * capacity);
    assertTrue(bound.between(1, 4) >= 0.6 * 3 * capacity / 4, bound.between(1, 4) + " bound");
    assertTrue(all >= 0.94 * 3 * capacity, all + " granted");
  }

  /** Those who wait for a place leave none free elsewhere. */
  @Test
  void a_key_without_a_bound_has_room_for_all() {
    List<KeyPlan> keys =
        List.of(new KeyPlan("key0", "account0", 1, 1, 1), new KeyPlan("key1", "account1", 0, 1, 0));
    PoolPlan plan = Pools.plan("shared", Duration.ofMinutes(1), keys, Limits.UNKNOWN);
    SharedPool pool = new SharedPool(wire, plan);
    Client bound = pool.client("bound", 1).bound();
    assertEquals(0, bound.ask());
    assertEquals(SharedPool.SECOND, bound.ask(), "its account has one place");
    assertEquals(List.of(0L, 0L, 0L), pool.client("others", 1).askTimes(3));
  }

  @Tag("long")
  @ParameterizedTest
  @CsvSource(LARGE)
  void so_they_do_in_a_large_pool(int keys, int groups, int most) {
    weights_divide_the_places_among_those_who_wait(keys, groups, most);
  }

  @ParameterizedTest
  @CsvSource({SMALL, LARGE_OF_FEW_GROUPS})
  void weights_divide_the_places_among_those_who_wait(int keys, int groups, int most) {
    SharedPool pool = pool(keys, groups, most);
    int capacity = 6 * keys * most;
    List<Replica> replicas = pool.replicas(3);
    List<Integer> weights = List.of(1, 2, 5);
    List<Client> clients = Stream.of(1, 2, 5).map(w -> pool.client("w" + w, w)).toList();
    for (Client client : clients) { // all ask alike
      client.arrive(0, 4, capacity, replicas, Duration.ofMinutes(1));
    }
    pool.run(4);
    double all = clients.stream().mapToDouble(c -> c.between(1, 4)).sum();
    System.out.printf(
        "Shares at max_concurrent: weights 1, 2, 5: %s of %d%n",
        clients.stream().map(c -> c.between(1, 4)).toList(), 3 * capacity);
    for (int n = 0; n < 3; n++) {
      double share = all * weights.get(n) / 8;
      assertEquals(share, clients.get(n).between(1, 4), Math.max(2, 0.05 * share));
    }
    assertTrue(all >= 0.95 * 3 * capacity, all + " granted");
  }
}
