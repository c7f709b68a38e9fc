package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.redis.SharedPool.Client;
import relay.redis.model.Limits;

/** What requests get that come when they were told to, before that, or never. */
@Tag("slow")
final class ToldTimesTest {
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
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
