package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.redis.SharedPool.Client;
import relay.redis.SharedPool.Replica;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;

/**
 * What clients get of a large pool that is short: one of few groups of many keys, and one of as
 * many groups as keys. Without an order they get what they ask for, in proportion.
 */
@Tag("slow")
final class LargeSharesTest {
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  /** A pool with this limit in all. */
  private SharedPool pool(int keys, int groups, int limit) {
    Limits limits = new Limits(limit / groups, 0, 0, 0);
    List<KeyPlan> all = Pools.keys(keys, groups, 0);
    return new SharedPool(wire, Pools.plan("shared", Duration.ofMinutes(1), all, limits));
  }

  @ParameterizedTest
  @CsvSource("40, 5, 600")
  void weights_divide_what_is_short(int keys, int groups, int limit) {
    SharedPool pool = pool(keys, groups, limit);
    List<Integer> weights = List.of(1, 2, 5);
    List<Client> clients = weights.stream().map(w -> pool.client("w" + w, w)).toList();
    for (int n = 0; n < 3; n++) {
      clients.get(n).poll(0, 5, 3.0 * limit * weights.get(n) / 8);
    }
    pool.run(5);
    double all = clients.stream().mapToDouble(c -> c.between(2, 5)).sum();
    System.out.printf(
        "Shares: weights 1, 2, 5 of %d keys in %d groups: %s of %d%n",
        keys, groups, clients.stream().map(c -> c.between(2, 5)).toList(), 3 * limit);
    for (int n = 0; n < 3; n++) {
      double share = all * weights.get(n) / 8;
      assertEquals(share, clients.get(n).between(2, 5), 0.05 * share);
    }
    assertTrue(all >= 0.97 * 3 * limit, all + " granted");
  }

  @Tag("long")
  @Test
  void so_they_do_where_each_key_has_an_account() {
    weights_divide_what_is_short(100, 100, 600);
  }

  @ParameterizedTest
  @CsvSource("50, 50, 300")
  void clients_that_ask_unequally_get_equal_shares(int keys, int groups, int limit) {
    SharedPool pool = pool(keys, groups, limit);
    Client one = pool.client("one", 1);
    Client other = pool.client("other", 1);
    one.poll(0, 6, 3.0 * limit / 2);
    other.poll(0, 6, 6.0 * limit / 2);
    pool.run(6);
    double all = one.between(2, 6) + other.between(2, 6);
    assertEquals(all / 2, one.between(2, 6), 0.03 * all / 2);
    assertTrue(all >= 0.97 * 4 * limit, all + " granted");
  }

  @Tag("long")
  @Test
  void so_they_do_with_few_groups_and_no_headroom() {
    interactive_requests_come_first(40, 5, 300, 0, 0.7);
  }

  /** A client that does not wait is refused, and served when it asks again. */
  @ParameterizedTest
  @CsvSource({"50, 50, 300, 0, 0.5", "40, 5, 300, 100, 0.9"})
  void interactive_requests_come_first(int keys, int groups, int limit, int kept, double least) {
    SharedPool pool = pool(keys, groups, limit);
    Client batch = pool.client("jobs", 3, 1, kept, 20);
    Client people = pool.client("people", 1, 1, 0, 0);
    batch.poll(0, 5, 10 * limit / 2.0);
    people.poll(2, 5, 0.8 * limit / 2.0);
    pool.run(5);
    double got = people.between(3, 5);
    double all = got + batch.between(3, 5);
    System.out.printf(
        "Shares: interactive beside batch, %d keys in %d groups, headroom %d: %.0f of %.0f asked%n",
        keys, groups, kept, got, people.asked * 2 / 3.0);
    assertTrue(got >= least * people.asked * 2 / 3, got + " granted");
    assertTrue(all >= 0.97 * 2 * limit, all + " granted");
  }

  @Tag("long")
  @Test
  void so_they_do_with_more_headroom() {
    interactive_requests_find_room_at_once(40, 4, 600, 100);
  }

  /**
   * Batch at ten times its share, people at 80 % of theirs, who go and come back. What is kept free
   * for people is lent to nobody, so batch alone has the rest.
   */
  @ParameterizedTest
  @CsvSource("40, 4, 600, 30")
  void interactive_requests_find_room_at_once(int keys, int groups, int limit, int kept) {
    SharedPool pool = pool(keys, groups, limit);
    List<Replica> replicas = pool.replicas(3);
    Client batch = pool.client("jobs", 3, 1, kept, 20);
    Client people = pool.client("people", 1, 1, 0, 0);
    batch.poll(0, 6.5, 10 * limit / 2.0);
    people.arrive(2, 4, 0.8 * limit / 2.0, replicas, Duration.ofSeconds(1));
    people.arrive(6, 6.5, 0.8 * limit / 2.0, replicas, Duration.ofSeconds(1));
    pool.run(6.5);
    double all = people.between(3, 4) + batch.between(3, 4);
    double alone = batch.between(5, 6);
    System.out.printf(
        "Shares: interactive beside batch, %d keys in %d groups, headroom %d: %d granted, %d"
            + " refused, waits of %.2f s at p99, %.1f %% of the limit; batch alone %.1f %%%n",
        keys,
        groups,
        kept,
        people.grants.size(),
        people.lost,
        people.waited(0.99) / 1e6,
        100 * all / limit,
        100 * alone / limit);
    assertTrue(people.lost <= 0.001 * people.sent, people.lost + " refused");
    assertTrue(all >= 0.97 * limit, all + " granted");
    assertTrue(alone >= 0.97 * (1 - kept / 1_000.0) * limit, "lent: " + alone);
    double back = people.between(6, 6.5);
    assertTrue(back >= 0.8 * 0.8 * limit / 2 / 2, "back at once: " + back);
  }

  /** Batch alone leaves it; the pacer grants a part of it in one moment. */
  @ParameterizedTest
  @CsvSource({"40, 4", "40, 40"})
  void a_burst_finds_what_is_kept_for_it(int keys, int groups) {
    int limit = 1200;
    SharedPool pool = pool(keys, groups, limit);
    Client batch = pool.client("jobs", 3, 1, 100, 20);
    Client people = pool.client("people", 1, 1, 0, 0);
    batch.poll(0, 3, 2 * limit);
    for (int n = 0; n < 40; n++) {
      pool.atMinute(2.5, people::ask);
    }
    pool.run(3);
    assertEquals(0.9 * limit, batch.between(1.5, 2.5), 0.02 * limit);
    assertEquals(40, people.grants.size(), "granted at once");
  }

  @Tag("long")
  @Test
  void so_they_do_in_few_groups() {
    three_priorities_share_in_their_order(40, 4);
  }

  /** Each leaves what is kept for those above it. */
  @ParameterizedTest
  @CsvSource("30, 10")
  void three_priorities_share_in_their_order(int keys, int groups) {
    int limit = 600;
    SharedPool pool = pool(keys, groups, limit);
    List<Replica> replicas = pool.replicas(3);
    Client people = pool.client("people", 1, 1, 0, 0);
    Client services = pool.client("services", 2, 1, 100, 0);
    Client batch = pool.client("jobs", 3, 1, 150, 20);
    batch.poll(0, 5, 3 * limit);
    services.poll(0.5, 5, 2 * limit);
    people.arrive(2, 5, 0.3 * limit, replicas, Duration.ofSeconds(1));
    pool.run(5);
    double all = 0;
    for (Client each : List.of(people, services, batch)) {
      all += each.between(3, 5);
    }
    System.out.printf(
        "Shares: three priorities, %d keys in %d groups: %.0f, %.0f and %.0f of %d; %d of %d"
            + " interactive refused%n",
        keys,
        groups,
        people.between(3, 5),
        services.between(3, 5),
        batch.between(3, 5),
        2 * limit,
        people.lost,
        people.sent);
    assertTrue(people.lost <= 0.001 * people.sent, people.lost + " refused");
    assertTrue(services.between(3, 5) >= 0.6 * 2 * limit, services.between(3, 5) + " granted");
    assertTrue(batch.between(3, 5) <= 0.05 * 2 * limit, batch.between(3, 5) + " batch");
    assertTrue(batch.between(3, 5) >= 0.01 * 2 * limit, batch.between(3, 5) + " batch");
    assertTrue(all >= 0.95 * 2 * limit, all + " granted");
  }

  @Test
  void a_lower_priority_never_starves() {
    int limit = 300;
    SharedPool pool = pool(40, 5, limit);
    Client batch = pool.client("jobs", 3, 1, 0, 20);
    Client people = pool.client("people", 1, 1, 0, 0);
    people.poll(0, 6, 2 * limit);
    batch.poll(0, 6, limit / 2.0);
    pool.run(6);
    double got = batch.between(3, 6) / 3 / limit;
    assertTrue(got >= 0.01 && got <= 0.05, "batch got " + got);
  }

  /** Each comes at the time that it was told. */
  @ParameterizedTest
  @CsvSource({"40, 5, 75, 100", "25, 25, 150, 200"})
  void agents_that_obey_are_served_in_order(int keys, int groups, int limit, int count) {
    SharedPool pool = pool(keys, groups, limit);
    Client agents = pool.client("agents", 1);
    agents.obeyAtOnce(count, Duration.ZERO, Duration.ofSeconds(8));
    pool.run(8);
    double sent = (double) agents.sent / agents.grants.size();
    System.out.printf(
        "Shares: %d agents, %d keys in %d groups: %.2f sent for each granted, waits of %.0f s in"
            + " the mean, %.0f s at p95%n",
        count, keys, groups, sent, agents.meanWait() / 1e6, agents.waited(0.95) / 1e6);
    assertTrue(sent <= 3, sent + " sent for each granted");
    assertTrue(agents.waited(0.95) <= 2 * agents.meanWait(), agents.waited(0.95) + " us at p95");
    assertTrue(agents.between(2, 8) >= 0.97 * 6 * limit, agents.between(2, 8) + " granted");
  }
}
