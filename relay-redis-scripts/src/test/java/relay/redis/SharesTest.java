package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.SharedPool.Client;

/** What clients get of a pool that is short. */
final class SharesTest {
  private static final int LIMIT = 300;

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private SharedPool pool(int keys) {
    return new SharedPool(wire, keys, new Limits(LIMIT / keys, 0, 0, 0));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void equal_clients_get_equal_shares(int keys) {
    SharedPool pool = pool(keys);
    List<Client> clients = IntStream.range(0, 3).mapToObj(n -> pool.client("c" + n, 1)).toList();
    clients.forEach(c -> c.poll(0, 5, 3.0 * LIMIT / 3));
    pool.run(5);
    double all = 0;
    double squares = 0;
    for (Client each : clients) {
      all += each.between(2, 5);
      squares += Math.pow(each.between(2, 5), 2);
    }
    for (Client each : clients) {
      assertEquals(all / 3, each.between(2, 5), 0.03 * all / 3);
    }
    double jain = all * all / (3 * squares);
    System.out.printf("Shares: 3 clients, %d keys: Jain's index %.5f%n", keys, jain);
    assertTrue(jain > 0.999, "Jain's index " + jain);
    assertTrue(all >= 0.97 * 3 * LIMIT, all + " granted");
  }

  @Test
  void weights_divide_what_is_short() {
    SharedPool pool = pool(1);
    List<Client> clients = Stream.of(1, 2, 5).map(w -> pool.client("w" + w, w)).toList();
    for (int n = 0; n < 3; n++) {
      clients.get(n).poll(0, 6, 3.0 * LIMIT * List.of(1, 2, 5).get(n) / 8);
    }
    pool.run(6);
    double all = clients.stream().mapToDouble(c -> c.between(2, 6)).sum();
    for (int n = 0; n < 3; n++) {
      double share = all * List.of(1, 2, 5).get(n) / 8;
      assertEquals(share, clients.get(n).between(2, 6), 0.05 * share);
    }
  }

  /** Its rate is back at once, and so its share of the window after a window. */
  @Test
  void an_idle_share_is_lent_whole_and_comes_back() {
    SharedPool pool = pool(1);
    Client greedy = pool.client("greedy", 1);
    Client other = pool.client("other", 1);
    greedy.poll(0, 5, 3 * LIMIT);
    other.poll(3, 5, 2 * LIMIT);
    pool.run(5);
    assertTrue(greedy.between(2, 3) >= 0.97 * LIMIT, "lent: " + greedy.between(2, 3));
    assertTrue(other.between(3, 3.05) > 0, "a newcomer gets its first requests at once");
    assertEquals(LIMIT / 2.0, other.between(3, 4), 0.06 * LIMIT);
    assertEquals(LIMIT / 2.0, other.between(4, 5), 0.03 * LIMIT);
  }

  @Test
  void interactive_requests_come_first_and_find_room_at_once() {
    int limit = 2 * LIMIT;
    SharedPool pool = new SharedPool(wire, 1, new Limits(limit, 0, 0, 0));
    Client batch = pool.client("jobs", 3, 1, 30, 20);
    Client people = pool.client("people", 1, 1, 0, 0);
    batch.poll(0, 6, 3 * limit);
    people.arrive(3, 4.5, 0.4 * limit);
    people.arrive(5.5, 6, 0.4 * limit);
    pool.run(6);
    long most = people.waits.stream().mapToLong(w -> w).max().orElse(0);
    double all = people.between(3.5, 4.5) + batch.between(3.5, 4.5);
    System.out.printf(
        "Shares: interactive beside batch: %d granted, %d refused, longest wait %.2f s, %.1f %% of"
            + " the limit; batch alone %.1f %%%n",
        people.grants.size(),
        people.lost,
        most / 1e6,
        100.0 * all / limit,
        100.0 * batch.between(4.5, 5.5) / limit);
    assertTrue(people.lost <= 0.01 * people.grants.size(), people.lost + " refused");
    assertTrue(all >= 0.96 * limit, all + " granted");
    assertTrue(batch.between(4.5, 5.5) >= 0.94 * limit, "lent: " + batch.between(4.5, 5.5));
  }

  @Test
  void a_lower_priority_never_starves() {
    SharedPool pool = pool(1);
    Client batch = pool.client("jobs", 3, 1, 0, 20);
    Client people = pool.client("people", 1, 1, 0, 0);
    people.poll(0, 4, 2 * LIMIT);
    batch.poll(0, 4, LIMIT);
    pool.run(4);
    assertEquals(0.02 * 3 * LIMIT, batch.between(1, 4), 0.01 * 3 * LIMIT);
  }

  /** Each comes when it was told to. Without an order all come at each moment, 90 for a grant. */
  @Test
  void refused_requests_are_told_times_of_their_own() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(60, 0, 0, 0));
    Client agents = pool.client("agents", 1);
    for (int n = 0; n < 100; n++) {
      pool.atMinute(n / 60_000.0, agents::obey);
    }
    pool.run(8);
    double asked = (double) agents.asked / agents.grants.size();
    double mean = agents.waits.stream().mapToLong(w -> w).average().orElse(0);
    long most = agents.waits.stream().mapToLong(w -> w).max().orElse(0);
    System.out.printf(
        "Shares: 100 agents on a pool for 60 a minute: %.2f asked for each granted, waits %.0f s in"
            + " the mean, %.0f s at most%n",
        asked, mean / 1e6, most / 1e6);
    assertTrue(asked <= 4, asked + " asked for each granted");
    assertTrue(most <= 2 * mean, most + " us at most, " + mean + " in the mean");
    assertTrue(agents.between(2, 8) >= 0.97 * 6 * 60, agents.between(2, 8) + " granted");
  }

  /** What its owner does not take up is let go after a second. */
  @Test
  void a_promise_that_is_not_taken_up_goes_to_others() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(60, 0, 0, 0));
    Client gone = pool.client("gone", 1);
    Client other = pool.client("other", 1);
    pool.atMinute(
        3,
        () -> {
          while (gone.asked < 60) {
            gone.ask(false);
          }
        });
    other.poll(0, 6, 240);
    pool.run(6);
    assertTrue(gone.grants.size() <= 2, "a newcomer gets its first requests");
    assertTrue(other.between(3, 6) >= 0.93 * 3 * 60, other.between(3, 6) + " granted");
  }
}
