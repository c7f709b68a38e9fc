package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
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

  /**
   * A sender that is refused comes back once, when it was told to. So it sends each request twice:
   * to send fewer, some must be served without waiting, and others wait longer for that. Without an
   * order all come at each moment, 90 for a grant.
   */
  @ParameterizedTest
  @CsvSource({"60, 1, 0", "75, 3, 8"})
  void a_hundred_agents_that_obey_are_served_when_they_were_told(int limit, int keys, int answers) {
    SharedPool pool = new SharedPool(wire, keys, new Limits(limit / keys, 0, 0, 0));
    Client agents = obeying(pool, Duration.ZERO, Duration.ofSeconds(answers));
    double sent = (double) agents.sent / agents.grants.size();
    assertTrue(sent <= 2.9, sent + " sent for each granted");
    assertTrue(agents.waited(0.95) <= 2 * agents.meanWait(), agents.waited(0.95) + " us at p95");
    isUsed(agents, limit);
  }

  /** The same for 60 requests of 10 tokens each. */
  @ParameterizedTest
  @CsvSource({"600, 0, 0", "0, 600, 0", "0, 0, 1200", "600, 0, 1200", "0, 600, 1200"})
  void agents_are_told_when_their_tokens_fit(long input, long output, long both) {
    SharedPool pool = new SharedPool(wire, 1, new Limits(0, input, output, both));
    Client agents = obeying(pool, Duration.ZERO, Duration.ZERO);
    double sent = (double) agents.sent / agents.grants.size();
    assertTrue(sent <= 2.25, sent + " sent for each granted");
    isUsed(agents, 60);
  }

  /** Where replicas hold requests for as long as the pool needs, each is sent once. */
  @Test
  void a_hundred_agents_whose_requests_are_held_send_them_once() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(75, 0, 0, 0));
    Client agents = obeying(pool, Duration.ofMinutes(3), Duration.ofSeconds(8));
    double sent = (double) agents.sent / agents.grants.size();
    assertTrue(sent <= 1.3, sent + " sent for each granted");
    assertTrue(agents.waited(1) <= 2 * agents.meanWait(), agents.waited(1) + " us at most");
    isUsed(agents, 75);
  }

  private static Client obeying(SharedPool pool, Duration most, Duration answers) {
    Client agents = pool.client("agents", 1);
    agents.obeyAtOnce(100, most, answers);
    pool.run(10);
    System.out.printf(
        "Shares: 100 agents, held for %s: %.2f sent and %.2f calls of Redis for each granted, waits"
            + " %.0f s in the mean, %.0f s at most%n",
        most,
        (double) agents.sent / agents.grants.size(),
        (double) agents.asked / agents.grants.size(),
        agents.meanWait() / 1e6,
        agents.waited(1) / 1e6);
    return agents;
  }

  private static void isUsed(Client agents, int limit) {
    double granted = agents.between(2, 10);
    assertTrue(granted >= 0.97 * 8 * limit, granted + " granted");
  }

  /**
   * A replica asks for its first request only. Places before that one's may have been told to
   * others, which overtook it, or to requests that are gone.
   */
  @Test
  void a_place_for_which_nobody_asks_goes_to_the_next_who_asks() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(60, 0, 0, 0));
    Client agents = pool.client("agents", 1);
    pool.atMinute(
        0,
        () -> {
          while (agents.ask() == 0) {
            // until the pool is short
          }
          for (int n = 40; n > 0; n--) {
            agents.ask("r." + n);
          }
        });
    AtomicInteger first = new AtomicInteger(1);
    for (int second = 1; second < 180; second++) {
      pool.atMinute(
          second / 60.0,
          () -> {
            if (agents.ask("r." + first.get()) == 0) {
              first.incrementAndGet();
            }
          });
    }
    pool.run(3);
    double granted = agents.between(0.02, 3);
    assertTrue(granted >= 100, granted + " granted");
  }

  /** Unless its sender does not wait so long, and comes again as any other. */
  @ParameterizedTest
  @CsvSource({"600000, true", "1, false"})
  void a_place_is_of_the_request_that_waits_for_it(long millis, boolean waits) {
    SharedPool pool = new SharedPool(wire, 1, new Limits(60, 0, 0, 0));
    Client agents = pool.client("agents", 1);
    long told = 0;
    while (told == 0) {
      told = agents.ask("r.1", millis);
    }
    pool.run(told / 60e6);
    assertEquals(waits, agents.ask() > 0, "a newcomer is refused");
    assertEquals(waits, agents.ask("r.1") == 0);
  }

  /** A sender that is alone, and asks a slot too early each time, is told the same time. */
  @Test
  void a_time_is_exact_for_who_waits_alone() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(60, 0, 0, 0));
    Client alone = pool.client("alone", 1);
    pool.atMinute(0, () -> alone.askEarly(300_000, 20));
    pool.run(5);
    assertEquals(20, alone.waits.size());
    assertEquals(0, alone.lost, "granted before its time, or refused at it");
  }

  /**
   * A client that retries at once, without regard to its retry time, can still use the whole pool.
   */
  @Test
  void a_client_that_polls_uses_all_of_the_pool() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(1_000, 0, 0, 0));
    Client polls = pool.client("polls", 1);
    polls.poll(0, 3, 3_000);
    pool.run(3);
    System.out.printf("Shares: one client that polls: %.2f %%%n", polls.between(1, 3) / 20);
    assertTrue(polls.between(1, 3) >= 0.99 * 2 * 1_000, polls.between(1, 3) + " granted");
  }

  /** Also one in a later window, though others come and its client asks for nothing. */
  @Test
  void a_promise_that_is_not_taken_up_for_long_goes_to_others() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(20, 0, 0, 0));
    Client gone = pool.client("gone", 1);
    Client other = pool.client("other", 1);
    gone.askTimes(60);
    other.poll(1.2, 9, 80);
    pool.run(9);
    assertTrue(other.between(5, 9) >= 0.95 * 4 * 20, other.between(5, 9) + " granted");
  }

  /** What its owner does not take up goes to whoever asks. */
  @Test
  void a_promise_that_is_not_taken_up_goes_to_others() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(60, 0, 0, 0));
    Client gone = pool.client("gone", 1);
    Client other = pool.client("other", 1);
    pool.atMinute(
        3,
        () -> {
          while (gone.asked < 60) {
            gone.ask();
          }
        });
    other.poll(0, 6, 240);
    pool.run(6);
    assertTrue(gone.grants.size() <= 2, "a newcomer gets its first requests");
    assertTrue(other.between(3, 6) >= 0.97 * 3 * 60, other.between(3, 6) + " granted");
  }
}
