package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.SharedPool.Client;
import relay.redis.SharedPool.Replica;
import relay.redis.model.Accounting;
import relay.redis.model.Limits;

/** What clients get of a pool that is short. */
@Tag("slow")
final class SharesTest {
  private static final int LIMIT = 300;
  private static final int KEPT = 30; // thousandths
  private static final Duration SECOND = Duration.ofSeconds(1);

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
    clients.forEach(c -> c.marked().poll(0, 5, 3.0 * LIMIT / 3));
    pool.run(5);
    double all = clients.stream().mapToDouble(c -> c.between(2, 5)).sum();
    double squares = clients.stream().mapToDouble(c -> Math.pow(c.between(2, 5), 2)).sum();
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
      clients.get(n).marked().poll(0, 6, 3.0 * LIMIT * List.of(1, 2, 5).get(n) / 8);
    }
    pool.run(6);
    double all = clients.stream().mapToDouble(c -> c.between(2, 6)).sum();
    for (int n = 0; n < 3; n++) {
      double share = all * List.of(1, 2, 5).get(n) / 8;
      assertEquals(share, clients.get(n).between(2, 6), 0.05 * share);
    }
  }

  /** Requests of one are as many tokens as ten of the other; there are requests enough. */
  @Test
  void equal_clients_get_equal_shares_of_the_limit_that_is_short() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(900, 12_000, 0, 0));
    Client small = pool.client("small", 1);
    Client large = pool.client("large", 1).of(100);
    small.poll(0, 5, 3 * 600);
    large.poll(0, 5, 3 * 60);
    pool.run(5);
    assertEquals(3 * 600, small.between(2, 5), 0.05 * 3 * 600);
    assertEquals(3 * 60, large.between(2, 5), 0.05 * 3 * 60);
  }

  /** One that obeys claims the promise that it made; one that polls claims those of others, too. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_client_whose_requests_differ_in_size_gets_its_share(boolean obeys) {
    SharedPool pool = new SharedPool(wire, 1, new Limits(0, 12_000, 0, 0));
    Client alike = pool.client("alike", 1).of(200).marked();
    Client mixed = pool.client("mixed", 1).of(20, 380, 100, 300).marked();
    for (Client each : List.of(alike, mixed)) {
      if (obeys) {
        IntStream.range(0, 30).forEach(n -> pool.time.at(pool.minute(0) + n, each::obey));
      } else {
        each.poll(0, 12, 300);
      }
    }
    pool.run(12);
    double all = mixed.tokens + alike.tokens;
    System.out.printf("Shares: requests of different size get %.3f of all%n", mixed.tokens / all);
    assertEquals(0.5, mixed.tokens / all, 0.03);
    assertTrue(all >= 0.97 * 12_000 * 12, all + " granted");
  }

  /** Who polls has hundreds of promises, and claims whichever has come. */
  @Test
  void a_client_of_small_weight_that_polls_is_never_without_its_share() {
    SharedPool pool = pool(1);
    Client large = pool.client("large", 3, 5, 0, 0);
    Client small = pool.client("small", 3, 1, 0, 0);
    large.poll(0, 14, 2 * LIMIT);
    small.poll(2, 14, 2 * LIMIT);
    pool.run(14);
    for (int minute = 3; minute < 14; minute++) {
      assertEquals(LIMIT / 6.0, small.between(minute, minute + 1), 0.1 * LIMIT / 6, "" + minute);
      double all = small.between(minute, minute + 1) + large.between(minute, minute + 1);
      assertTrue(all >= 0.97 * LIMIT, all + " granted in minute " + minute);
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

  /**
   * Batch at ten times its share, people at 80 % of theirs, who go and come back. What is kept free
   * for people is lent to nobody, so batch alone has the rest. Beside people it leaves less free:
   * what they use themselves counts. Measured when what an idle pool granted at once is paid back.
   */
  @Test
  void interactive_requests_come_first_and_find_room_at_once() {
    int limit = 2 * LIMIT;
    double lent = 1 - KEPT / 1_000.0;
    SharedPool pool = new SharedPool(wire, 1, new Limits(limit, 0, 0, 0));
    List<Replica> replicas = pool.replicas(3);
    Client batch = pool.client("jobs", 3, 1, KEPT, 20);
    Client people = pool.client("people", 1, 1, 0, 0);
    batch.poll(0, 7.5, 10 * limit / 2.0);
    people.arrive(3, 5, 0.8 * limit / 2.0, replicas, SECOND);
    people.arrive(7, 7.5, 0.8 * limit / 2.0, replicas, SECOND);
    pool.run(7.5);
    double all = people.between(4, 5) + batch.between(4, 5);
    double alone = batch.between(6, 7);
    System.out.printf(
        "Shares: interactive beside batch: %d granted, %d refused, waits of %.2f s at p99 and %.2f"
            + " s at most, %.1f %% of the limit; batch alone %.1f %%%n",
        people.grants.size(),
        people.lost,
        people.waited(0.99) / 1e6,
        people.waited(1) / 1e6,
        100 * all / limit,
        100 * alone / limit);
    assertTrue(people.lost <= 0.001 * people.sent, people.lost + " refused");
    assertTrue(people.waited(0.99) < 1_000_000, people.waited(0.99) + " us");
    assertTrue(all >= 0.97 * limit, all + " granted");
    assertTrue(alone >= 0.97 * lent * limit, "lent: " + alone);
    double back = people.between(7, 7.5);
    assertTrue(back >= 0.8 * 0.8 * limit / 2 / 2, "back at once: " + back);
  }

  @ParameterizedTest
  @CsvSource({
    "SLIDING_WINDOW, 600, 0, 0, 0",
    "SLIDING_WINDOW, 0, 6000, 0, 0",
    "SLIDING_WINDOW, 0, 0, 6000, 0",
    "SLIDING_WINDOW, 0, 0, 0, 12000",
    "TOKEN_BUCKET, 600, 6000, 6000, 12000"
  })
  void batch_leaves_a_part_of_each_limit(
      Accounting accounting, long requests, long input, long output, long both) {
    Limits limits = new Limits(requests, input, output, both);
    SharedPool pool = new SharedPool(wire, Pools.accounting("kept", accounting, limits));
    Client batch = pool.client("jobs", 3, 1, 100, 0);
    Client people = pool.client("people", 1, 1, 0, 0);
    batch.poll(0, 3, 3 * 600);
    for (int n = 0; n < 25; n++) {
      pool.atMinute(2.5, people::ask);
    }
    pool.run(3);
    assertTrue(batch.between(1.5, 2.5) >= 0.87 * 600, batch.between(1.5, 2.5) + " granted");
    assertEquals(25, people.grants.size(), "granted at once");
  }

  /** Whatever those above it ask for, and however it asks: thirty obey their times, or it polls. */
  @ParameterizedTest
  @CsvSource({"1, 0, false", "1, 0, true", "3, 100, true", "20, 100, false"})
  void a_lower_priority_never_starves(int keys, int kept, boolean obeys) {
    SharedPool pool = pool(keys);
    pool.client("people", 1, 1, 0, 0).poll(0, 10, 2 * LIMIT);
    pool.client("others", 1).poll(0, 10, LIMIT);
    Client batch = pool.client("jobs", 3, 1, kept, 20);
    if (obeys) {
      IntStream.range(0, 30).forEach(n -> pool.atMinute(n / 6e3, batch::obey));
    } else {
      batch.poll(0, 10, LIMIT);
    }
    pool.run(10);
    // from then on: before, it had more than its floor, which counts for about two windows
    double parts = batch.between(3, 10) / (0.02 * 7 * LIMIT);
    assertTrue(parts >= 0.9 && parts <= 1.5, parts + " of its floor");
    long pause = VirtualTime.longestPause(batch.grants, pool.minute(3), pool.minute(10));
    assertTrue(pause <= SharedPool.MINUTE, "a minute without any");
  }

  @Tag("long")
  @ParameterizedTest
  @ValueSource(ints = {0, 100})
  void nor_does_one_that_obeys_starve_in_a_larger_pool(int kept) {
    a_lower_priority_never_starves(20, kept, true);
  }

  /** Six requests of 300 come first; the others wait behind the people's. */
  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void a_lower_priority_comes_first_with_its_floor_alone(int keys) {
    SharedPool pool = pool(keys);
    Client batch = pool.client("jobs", 3, 1, 0, 20);
    Client people = pool.client("people", 1, 1, 0, 0);
    long last = people.askTimes(200).getLast();
    List<Long> told = batch.askTimes(10);
    assertTrue(told.get(4) < last && told.get(9) > last, told + " with people at " + last);
  }
}
