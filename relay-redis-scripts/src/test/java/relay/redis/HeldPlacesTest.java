package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.function.LongUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.SharedPool.Client;
import relay.redis.model.Accounting;
import relay.redis.model.Limits;

/** The place of a refused request is its own: whatever others ask for, and if it comes late. */
@Tag("slow")
final class HeldPlacesTest {
  /** {@code AUTO} is a sliding window until answers prove more, and here are none. */
  private static final List<Accounting> RULES =
      List.of(Accounting.SLIDING_WINDOW, Accounting.TOKEN_BUCKET);

  private static final long LIMIT = 120_000; // input tokens a minute
  private static final long MILLI = 1_000;

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final Random random = new Random(20_261_201);

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private static List<Caller> callers(
      int count, SharedPool pool, Client client, long size, LongUnaryOperator comesBack) {
    return Stream.generate(() -> new Caller(pool, client, size, comesBack))
        .limit(count)
        .map(c -> c.start(pool.time.next() / 6e5))
        .toList();
  }

  private static List<Long> waits(Collection<Caller> callers) {
    return callers.stream().flatMap(c -> c.waits.stream()).sorted().toList();
  }

  private static double quantile(List<Long> sorted, double q) {
    return sorted.isEmpty()
        ? Double.POSITIVE_INFINITY
        : sorted.get((int) Math.ceil(q * sorted.size()) - 1) / 1e6;
  }

  private static double mean(List<Long> all) {
    return all.stream().mapToLong(x -> x).average().orElse(Double.NaN) / 1e6;
  }

  /** Small ones come back after 300 to 500 ms, with bodies of their own or all with one. */
  @ParameterizedTest
  @CsvSource({"SLIDING_WINDOW, 1, true", "TOKEN_BUCKET, 3, false"})
  void a_large_request_that_obeys_is_served_beside_small_ones_that_poll(
      Accounting accounting, int count, boolean oneBody) {
    SharedPool pool =
        new SharedPool(wire, Pools.accounting("held", accounting, new Limits(0, LIMIT, 0, 0)));
    Client all = pool.client("default", 0);
    List<Caller> small =
        callers(60, pool, all, LIMIT / 500, told -> 300 * MILLI + random.nextInt(200_000));
    if (oneBody) {
      small.forEach(c -> c.ofBody(7));
    }
    pool.run(1);
    List<Caller> large = new ArrayList<>();
    for (int n = 0; n < count; n++) {
      large.add(new Caller(pool, all, LIMIT / 6, Caller::obeys).start(1 + n / 100.0));
    }
    pool.run(7);
    List<Long> waits = waits(large);
    System.out.printf(
        "Places: %s, %d large beside 60 that poll%s: %d served, waits of %.0f s in the mean, %.0f"
            + " s at most, %.1f %% used%n",
        accounting,
        count,
        oneBody ? " with one body" : "",
        waits.size(),
        mean(waits),
        quantile(waits, 1),
        100.0 * all.tokens / LIMIT / 7);
    assertTrue(large.stream().allMatch(c -> c.waits.size() >= 5), "too few were served");
    assertTrue(quantile(waits, 1) <= 90, quantile(waits, 1) + " s");
  }

  @Tag("long")
  @ParameterizedTest
  @CsvSource({
    "SLIDING_WINDOW, 1, false",
    "TOKEN_BUCKET, 1, false",
    "TOKEN_BUCKET, 1, true",
    "SLIDING_WINDOW, 3, false"
  })
  void so_is_it_in_the_other_cases(Accounting accounting, int count, boolean oneBody) {
    a_large_request_that_obeys_is_served_beside_small_ones_that_poll(accounting, count, oneBody);
  }

  @Tag("long")
  @ParameterizedTest
  @ValueSource(longs = {0, 1_000})
  void nor_does_a_later_one_or_one_in_time(long early) {
    an_early_retry_leaves_no_second_promise(early);
  }

  /** Those that obey are told what they would be told if all did. */
  @ParameterizedTest
  @ValueSource(longs = 300)
  void an_early_retry_leaves_no_second_promise(long early) {
    for (Accounting accounting : RULES) {
      SharedPool pool =
          new SharedPool(wire, Pools.accounting("early", accounting, new Limits(600, 0, 0, 0)));
      Client all = pool.client("default", 0);
      callers(23, pool, all, 10, early == 0 ? Caller::obeys : told -> early * MILLI);
      Caller obeys = callers(1, pool, all, 10, Caller::obeys).getFirst();
      pool.run(8);
      List<Long> told = obeys.told.stream().sorted().toList();
      System.out.printf(
          "Places: %s, beside 23 that come back after %d ms: told %.1f s in the median, %.1f s at"
              + " most; waits %.1f s%n",
          accounting, early, quantile(told, 0.5), quantile(told, 1), mean(obeys.waits));
      assertTrue(quantile(told, 1) <= 6, quantile(told, 1) + " s");
      assertTrue(all.between(2, 8) >= 0.97 * 6 * 600, all.between(2, 8) + " granted");
    }
  }

  /** Sixty agents send the same body, and come some milliseconds late; their SDK counts retries. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void a_count_of_retries_tells_equal_bodies_apart(boolean counts) {
    SharedPool pool = new SharedPool(wire, 1, new Limits(240, 0, 0, 0));
    Client all = pool.client("default", 0);
    LongUnaryOperator late = told -> told + 8 * MILLI + random.nextInt(22_000);
    List<Caller> agents = callers(60, pool, all, 10, late);
    agents.forEach(c -> c.ofBody(7));
    if (counts) {
      agents.forEach(Caller::counting);
    }
    pool.run(8);
    List<Long> waits = waits(agents);
    System.out.printf(
        "Places: one body, retries %s: waits of %.1f s in the mean, %.1f s at most, %.2f sent for"
            + " each%n",
        counts ? "counted" : "unknown",
        mean(waits),
        quantile(waits, 1),
        (double) agents.stream().mapToLong(c -> c.sent).sum() / waits.size());
    double most = counts ? 2.2 : 3.5; // who cannot be told apart shares by chance
    assertTrue(quantile(waits, 1) <= most * mean(waits), quantile(waits, 1) + " s");
  }

  private static long seconds(long told) {
    return Math.ceilDiv(told, 1_000_000) * 1_000_000;
  }

  /**
   * As openai's SDK, codex and Claude Code do: the last two read whole seconds only. Those that
   * come later wait longer by that: in a sliding window nothing can be saved up for them.
   */
  @ParameterizedTest
  @FieldSource("RULES")
  void callers_that_come_late_keep_their_places(Accounting accounting) {
    SharedPool pool =
        new SharedPool(wire, Pools.accounting("late", accounting, new Limits(240, 0, 0, 0)));
    Client all = pool.client("default", 0);
    List<List<Caller>> kinds =
        List.of(
            callers(10, pool, all, 10, told -> told + random.nextInt(20_000)),
            callers(10, pool, all, 10, told -> seconds(told) + random.nextInt(20_000)),
            callers(
                10,
                pool,
                all,
                10,
                told -> Math.round(seconds(told) * (1.08 + 0.13 * random.nextDouble()))));
    pool.run(12);
    double used = all.between(2, 12) / 240 / 10;
    List<Integer> served = new ArrayList<>();
    List<Double> p95 = new ArrayList<>();
    for (List<Caller> kind : kinds) {
      List<Long> waits = waits(kind);
      served.add(waits.size());
      p95.add(quantile(waits, 0.95));
      System.out.printf(
          "Places: %s, %d served, %.2f sent for each, waits p5 %.1f s, p50 %.1f s, p95 %.1f s%n",
          accounting,
          waits.size(),
          (double) kind.stream().mapToLong(c -> c.sent).sum() / waits.size(),
          quantile(waits, 0.05),
          quantile(waits, 0.5),
          quantile(waits, 0.95));
    }
    System.out.printf("Places: %.2f %% used%n", 100 * used);
    int least = served.stream().mapToInt(n -> n).min().orElseThrow();
    int most = served.stream().mapToInt(n -> n).max().orElseThrow();
    double apart = accounting == Accounting.TOKEN_BUCKET ? 1.1 : 1.2;
    assertTrue(most <= apart * least, served + " served");
    double longest = p95.stream().mapToDouble(x -> x).max().orElseThrow();
    double shortest = p95.stream().mapToDouble(x -> x).min().orElseThrow();
    assertTrue(longest <= 1.25 * shortest, p95 + " s at p95");
    assertTrue(used >= 0.985, used + " used");
  }

  @Tag("long")
  @Test
  void none_of_more_clients_is_starved() {
    none_of_thousands_of_clients_is_starved(2_500);
  }

  /** Each has one request at a time; all obey. */
  @ParameterizedTest
  @ValueSource(ints = 900)
  void none_of_thousands_of_clients_is_starved(int count) {
    SharedPool pool = new SharedPool(wire, 1, new Limits(600, 0, 0, 0));
    List<Caller> all = new ArrayList<>();
    for (int n = 0; n < count; n++) {
      Client client = pool.client("c" + n, 1);
      all.add(new Caller(pool, client, 10, Caller::obeys).start(n / 6e4));
    }
    pool.run(8);
    List<Long> served = all.stream().map(c -> (long) c.waits.size()).sorted().toList();
    double mean = served.stream().mapToLong(x -> x).average().orElseThrow();
    System.out.printf(
        "Places: %d clients: %d to %d of %.1f; %d got nothing; %.1f sent for each%n",
        count,
        served.getFirst(),
        served.getLast(),
        mean,
        served.stream().filter(n -> n == 0).count(),
        (double) all.stream().mapToLong(c -> c.sent).sum() / mean / count);
    assertTrue(served.getFirst() >= 1, "starved");
    assertTrue(served.getLast() <= 4 * mean, served.getLast() + " of " + mean);
  }

  /** It asks for a third of the limit at once, each minute. */
  @Test
  void a_client_that_never_comes_back_leaves_next_to_nothing_unused() {
    int limit = 240;
    SharedPool pool = new SharedPool(wire, 1, new Limits(limit, 0, 0, 0));
    Client gone = pool.client("gone", 1);
    Client other = pool.client("other", 1).marked();
    for (int minute = 1; minute < 12; minute++) {
      pool.atMinute(minute, () -> gone.askTimes(limit / 3));
    }
    other.poll(0, 12, 2.0 * limit);
    pool.run(12);
    double used = (gone.between(2, 12) + other.between(2, 12)) / limit / 10;
    System.out.printf("Places: beside one that never comes back: %.2f %% used%n", 100 * used);
    assertTrue(used >= 0.98, used + " used");
  }

  /** The ten others of its client come back in time, so its client asks all the time. */
  @Test
  void a_small_request_that_is_gone_keeps_its_room_no_longer_than_its_place() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(300, 0, 0, 0));
    Client client = pool.client("c", 1).marked();
    int senders = 10;
    client.obeyAtOnce(senders, Duration.ZERO, Duration.ZERO);
    pool.client("other", 1).marked().poll(0, 4, 600);
    pool.atMinute(1.5, () -> assertTrue(client.ask() > 0, "it waits"));
    List<Long> waiting = new ArrayList<>();
    for (int second = 0; second < 120; second++) {
      pool.atMinute(
          2 + second / 60.0,
          () ->
              waiting.add(
                  pool.standings().stream()
                      .filter(s -> s.name().equals("c"))
                      .mapToLong(s -> s.waiting())
                      .sum()));
    }
    pool.run(4);
    assertEquals(
        senders, waiting.stream().mapToLong(count -> count).max().orElseThrow(), waiting + " wait");
  }

  /**
   * Equal requests take each other's places. So one that comes late takes no more than its client's
   * next place.
   */
  @Test
  void a_client_that_asks_more_gets_no_more_by_few_bodies() {
    SharedPool pool = new SharedPool(wire, 1, new Limits(300, 0, 0, 0));
    Client three = pool.client("three", 1).ofBodies(5);
    Client six = pool.client("six", 1).ofBodies(5);
    three.poll(0, 12, 450);
    six.poll(0, 12, 900);
    pool.run(12);
    double all = three.between(2, 12) + six.between(2, 12);
    System.out.printf("Places: few bodies: %.3f of all%n", three.between(2, 12) / all);
    assertEquals(0.5, three.between(2, 12) / all, 0.02);
    assertTrue(all >= 0.97 * 10 * 300, all + " granted");
  }
}
