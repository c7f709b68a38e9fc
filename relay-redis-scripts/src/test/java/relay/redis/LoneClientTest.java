package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.SharedPool.Client;
import relay.redis.model.Limits;
import relay.redis.model.Share;

/** The requests of a client that shares its pool with nobody: its agents, large and small. */
@Tag("slow")
final class LoneClientTest {
  private static final int TOKENS = 12_000;

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private static Client alone(SharedPool pool) {
    return pool.client("default", 0);
  }

  /** Weight 0: the client is alone; weight 1: it may share the pool. */
  @ParameterizedTest
  @CsvSource({
    "0, 100, 1, 60, 0, 0",
    "0, 100, 3, 75, 8, 0",
    "0, 200, 25, 150, 8, 0",
    "0, 100, 1, 60, 0, 180",
    "1, 100, 1, 60, 0, 0",
    "1, 100, 3, 75, 8, 0",
    "1, 200, 25, 150, 8, 0"
  })
  void agents_that_obey_are_served_when_they_were_told(
      int weight, int count, int keys, int limit, int answers, int held) {
    SharedPool pool = new SharedPool(wire, keys, new Limits(limit / keys, 0, 0, 0));
    Client agents = pool.client("agents", weight).marked();
    agents.obeyAtOnce(count, Duration.ofSeconds(held), Duration.ofSeconds(answers));
    pool.run(10);
    double sent = (double) agents.sent / agents.grants.size();
    double used = agents.between(2, 10) / limit / 8;
    System.out.printf(
        "Agents of weight %d: %d, %d keys, held %d s: %.2f sent for each granted, waits of"
            + " %.0f s in the mean, %.0f s at p95, %.0f s at most, %.1f %% used%n",
        weight,
        count,
        keys,
        held,
        sent,
        agents.meanWait() / SharedPool.SECOND,
        agents.waited(0.95) / (double) SharedPool.SECOND,
        agents.waited(1) / (double) SharedPool.SECOND,
        100 * used);
    double most = held > 0 ? 1.3 : keys > 16 ? 2.6 : 2.9;
    assertTrue(sent <= most, sent + " sent for each granted");
    assertTrue(agents.waited(1) <= 1.5 * agents.meanWait(), agents.waited(1) + " us at most");
    assertTrue(used >= 0.95, used + " of the limit");
  }

  /**
   * A load of more than half as much again, of which little obeys, with one body for all requests,
   * with some, and with one for each. The windows are short: there the moment counts for most that
   * a place is kept.
   */
  @ParameterizedTest
  @CsvSource({"1, 0.99", "10, 0.99", "100000, 0.99"})
  void a_load_that_does_not_obey_leaves_next_to_nothing_unused(int bodies, double least) {
    double window = 1.0 / 12; // in minutes
    int limit = 125;
    int keys = 4;
    Limits limits = new Limits(limit, 0, 0, 0);
    SharedPool pool =
        new SharedPool(wire, Pools.plan("shared", Duration.ofSeconds(5), keys, limits));
    Client load = alone(pool).ofBodies(bodies);
    double full = keys * limit / window;
    load.poll(0, window, 1.15 * full);
    load.repeat(window, 9 * window, 1.6 * full, () -> askAgain(pool, load));
    pool.run(9 * window);
    double used = load.between(3 * window, 9 * window) / 6 / keys / limit;
    System.out.printf("Alone, bodies: %d, %.2f %% used%n", bodies, 100 * used);
    assertTrue(used >= least, used + " of the limits");
  }

  /** One of four refused requests comes once more, at its time. */
  private static void askAgain(SharedPool pool, Client client) {
    Share share = client.next();
    long wait = client.ask(share, 10);
    if (wait > 0 && pool.time.next() % 4 == 0) {
      pool.time.at(pool.time.now() + wait + 20_000, () -> client.ask(share, 10));
    }
  }

  /** Some requests are refused and do not come back. Their places go to others. */
  @Test
  void places_of_requests_that_are_gone_go_to_others() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(60, 0, 0, 0));
    Client agents = alone(pool).marked();
    for (int n = 0; n < 40; n++) {
      pool.time.at(pool.minute(2) + n * 1_000L, agents::obey);
    }
    agents.poll(2, 10, 15);
    pool.run(10);
    double used = agents.between(3, 10) / 60 / 7;
    assertTrue(used >= 0.95, used + " of the limit");
  }

  /** While one request waits, any request of its client gets the room that comes. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void at_the_time_that_one_was_told_any_request_of_its_client_is_served(int weight) {
    SharedPool pool = new SharedPool(wire, 1, new Limits(10, 0, 0, 0));
    Client client = pool.client("c", weight).marked();
    long wait;
    do {
      wait = client.ask();
    } while (wait == 0);
    pool.time.set(pool.time.now() + wait);
    assertEquals(0, client.ask());
  }

  @Test
  void each_of_many_at_once_is_told_a_time_of_its_own() {
    Client agents = alone(new SharedPool(wire, 1, new Limits(60, 0, 0, 0)));
    List<Long> told = agents.askTimes(60).stream().filter(wait -> wait > 0).toList();
    assertTrue(told.size() >= 10, told + "");
    assertEquals(told.size(), new HashSet<>(told).size(), told.toString());
  }

  /** Its room comes in 30 s. What is left until then goes to small ones. */
  @ParameterizedTest
  @ValueSource(ints = {1, 25})
  void a_large_request_that_waits_for_long_does_not_hold_up_small_ones(int keys) {
    SharedPool pool = new SharedPool(wire, keys, new Limits(0, TOKENS, 0, 0));
    Client first = alone(pool).of(TOKENS * 3 / 10);
    for (int n = 0; n < keys; n++) {
      assertEquals(0, first.ask());
    }
    Client large = alone(pool).of(TOKENS * 8 / 10);
    assertTrue(large.ask() > 20 * SharedPool.SECOND);
    Client small = alone(pool).of(TOKENS / 100);
    for (int n = 0; n < keys; n++) {
      assertEquals(0, small.ask(), "small request " + n);
    }
  }

  /** Small ones are half of the load. They pass a large one until that has come in vain. */
  @Test
  void a_large_request_is_served_beside_small_ones() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(0, TOKENS, 0, 0));
    Client small = alone(pool).of(TOKENS / 100);
    Client large = alone(pool).of(TOKENS * 9 / 10);
    small.poll(0, 20, 50);
    pool.atMinute(2, large::obey);
    pool.run(20);
    assertTrue(large.grants.size() >= 4, large.grants.size() + " granted in 18 minutes");
    System.out.printf(
        "Alone: a large request beside small ones: %d granted in 18 minutes, waits %.0f s%n",
        large.grants.size(), large.meanWait() / SharedPool.SECOND);
  }
}
