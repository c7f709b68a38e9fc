package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.guards.Await;
import relay.redis.library.ScriptFile;
import relay.redis.model.Budget;
import relay.redis.model.Limits;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;

/** Periods of budgets, by the scripts: a test gives the time of each call. */
final class BudgetPeriodsTest {
  private static final Limits NONE = new Limits(0, 0, 0, 0);

  private final FaultyRedis redis = FaultyRedis.start();
  private final ScriptConnection wire = new ScriptConnection(redis.url());

  @AfterEach
  void close() {
    wire.close();
    redis.close();
  }

  private static final RedisKeys NAMES = new RedisKeys("test", "budgets");
  private static final byte[][] KEYS = {
    NAMES.state, NAMES.win, NAMES.leases, NAMES.due, NAMES.later, NAMES.budgets
  };

  private void configure() {
    configure(NONE);
  }

  private void configure(Limits limits) {
    Step step = new Step.Configure(0, 7, BudgetTest.plan(limits));
    Clock clock = new Clock(at("2026-01-01T00:00:00Z"), 0);
    wire.call(step, NAMES, clock);
  }

  private static final String DAY = "usd/day=10000000000";
  private static final String NOON = "2026-05-01T12:00:00Z";

  private static long at(String instant) {
    return Instant.parse(instant).toEpochMilli() * 1000;
  }

  /** Reserves 20 tokens and these dollars at an instant; returns the reply. */
  private List<Object> reserve(String instant, String id, String budgets, long dollars) {
    String line = "7 0 %d 30000 0 1 1 10 10 - %d".formatted(at(instant), dollars * Budget.DOLLAR);
    List<Object> reply =
        wire.call(ScriptFile.ACQUIRE_NAMED, KEYS, line, id, "team team/model", "team " + budgets);
    return reply.subList(2, 5);
  }

  private Object settle(String instant, String id, String budgets, long reserved, long used) {
    String line =
        "7 0 %d 30000 1 0 1 1 10 10 %d %d"
            .formatted(at(instant), reserved * Budget.DOLLAR, used * Budget.DOLLAR);
    return wire.call(ScriptFile.ACQUIRE_NAMED, KEYS, line, id, "team " + budgets).get(2);
  }

  private String field(String name) {
    return RedisKeys.text(wire.redis().hget(NAMES.budgets, RedisKeys.bytes("team " + name)));
  }

  @Test
  void a_month_ends_by_the_calendar_in_utc() {
    configure();
    String month = "usd/month=10000000000";
    assertEquals(1L, reserve("2028-02-29T23:59:50Z", "l1", month, 9).getFirst());
    List<Object> over = reserve("2028-02-29T23:59:51Z", "l2", month, 2);
    assertEquals(List.of(-7L, 0L, 9_000_000L), over, "nine seconds to March");
    assertEquals("9.000000000/10.000000000 2028-02:9.000000000", field("usd/month"));
    assertEquals(1L, reserve("2028-03-01T00:00:00Z", "l3", month, 2).getFirst());
    assertEquals("2.000000000/10.000000000 2028-03:2.000000000", field("usd/month"));
    // a refund of February is of no use in March; what was used beyond the reservation counts
    assertEquals(0L, settle("2028-03-01T00:00:01Z", "l1", month, 9, 4));
    assertEquals("2.000000000/10.000000000 2028-03:2.000000000", field("usd/month"));
    assertEquals(0L, settle("2028-03-01T00:00:02Z", "l3", month, 2, 5));
    assertEquals("5.000000000/10.000000000 2028-03:5.000000000", field("usd/month"));
    assertEquals(-4L, settle("2028-03-01T00:00:03Z", "l3", month, 2, 5), "once");
    assertEquals("5.000000000/10.000000000 2028-03:5.000000000", field("usd/month"));
    // the same lease once more
    assertEquals(-4L, reserve("2028-03-01T00:00:04Z", "l3", month, 2).getFirst());
    assertEquals("5.000000000/10.000000000 2028-03:5.000000000", field("usd/month"));
  }

  @Test
  void a_lease_that_a_call_ends_twice_settles_its_budget_once() {
    configure();
    String month = "usd/month=10000000000";
    assertEquals(1L, reserve("2028-03-01T00:00:00Z", "l1", month, 5).getFirst());
    long dollar = Budget.DOLLAR;
    String ends = "7 0 %d 30000 2 0 1 1 10 10 1 10 10".formatted(at("2028-03-01T00:00:01Z"));
    String line = ends + " %d %d %d %d".formatted(5 * dollar, 3 * dollar, 5 * dollar, 3 * dollar);
    String of = "team " + month;
    List<Object> reply = wire.call(ScriptFile.ACQUIRE_NAMED, KEYS, line, "l1", "l1", of, of);
    assertEquals(List.of(0L, -4L), reply.subList(2, 4));
    assertEquals("3.000000000/10.000000000 2028-03:3.000000000", field("usd/month"));
  }

  /** After a failover the pool's time may stay ahead of the clock of Redis. */
  @ParameterizedTest
  @ValueSource(strings = {"day", "rolling-day"})
  void what_is_spent_in_a_period_that_redis_has_not_begun_is_kept(String per) {
    configure();
    String budget = "usd/" + per + "=10000000000";
    assertEquals(1L, reserve("2026-05-02T00:10:00Z", "l1", budget, 9).getFirst());
    wire.call(ScriptFile.BUDGETS, new byte[][] {NAMES.budgets}, at("2026-05-01T23:40:00Z"));
    assertEquals(-7L, reserve("2026-05-02T00:11:00Z", "l2", budget, 9).getFirst());
  }

  @Test
  void of_several_budgets_that_are_spent_the_one_that_opens_last_refuses() {
    configure();
    String all = "usd/day=10000000000 usd/month=10000000000 usd/rolling-day=10000000000";
    assertEquals(1L, reserve(NOON, "s1", all, 9).getFirst());
    List<Object> over = reserve(NOON, "s2", all, 2);
    Duration month = Duration.between(Instant.parse(NOON), Instant.parse("2026-06-01T00:00:00Z"));
    assertEquals(List.of(-7L, 1L, month.toNanos() / 1_000), over);
  }

  @Test
  void the_days_of_a_calendar_are_those_of_java() {
    configure();
    String day = "tokens/day=1000000";
    Instant from = Instant.parse("2026-12-30T12:00:00Z");
    for (int n = 0; n < 800; n += 13) {
      Instant time = from.plus(Duration.ofDays(n));
      assertEquals(1L, reserve(time.toString(), "d" + n, day, 0).getFirst());
      String date = time.toString().substring(0, 10);
      assertEquals("20/1000000 " + date + ":20", field("tokens/day"));
    }
  }

  @Test
  void a_rolling_day_lends_again_what_is_a_day_old() {
    configure();
    String rolling = "usd/rolling-day=10000000000";
    assertEquals(1L, reserve("2026-05-01T00:00:00Z", "r1", rolling, 6).getFirst());
    assertEquals(1L, reserve("2026-05-01T12:00:00Z", "r2", rolling, 4).getFirst());
    List<Object> over = reserve("2026-05-01T20:00:00Z", "r3", rolling, 5);
    Duration left = Duration.ofNanos((long) over.get(2) * 1000);
    // a slot is 24 minutes, and the oldest counts whole
    assertEquals(Duration.ofHours(4).plusMinutes(24), left);
    String soon = Instant.parse("2026-05-01T20:00:00Z").plus(left).minusSeconds(1).toString();
    assertEquals(-7L, reserve(soon, "r4", rolling, 5).getFirst());
    String then = Instant.parse("2026-05-01T20:00:00Z").plus(left).toString();
    assertEquals(1L, reserve(then, "r5", rolling, 6).getFirst());
    assertEquals(-7L, reserve(then, "r6", rolling, 1).getFirst());
  }

  @Test
  void a_lost_request_is_charged_once_and_not_to_a_hash_that_is_told_all() {
    configure();
    wire.redis().hset(NAMES.budgets, RedisKeys.bytes(""), RedisKeys.bytes("5"));
    assertEquals(1L, charge(NOON, "c1", DAY, "5"));
    assertEquals("1.000000000/10.000000000 2026-05-01:1.000000000", field("usd/day"));
    assertEquals(0L, charge(NOON, "c1", DAY, "5"), "once");
    assertEquals(1L, charge(NOON, "c2", DAY, "4"), "to its group");
    assertEquals("1.000000000/10.000000000 2026-05-01:1.000000000", field("usd/day"));
    assertEquals(1L, charge(NOON, "c3", DAY, "-"), "no hash has it");
    assertEquals("2.000000000/10.000000000 2026-05-01:2.000000000", field("usd/day"));
    // it runs: its end replaces what it reserved
    assertEquals(0L, settle(NOON, "c3", DAY, 1, 3));
    assertEquals("4.000000000/10.000000000 2026-05-01:4.000000000", field("usd/day"));
  }

  /** A dollar, of a request that runs. */
  private Object charge(String instant, String id, String budgets, String made) {
    Object[] args = {
      "0",
      at(instant),
      id,
      "team/model",
      "team",
      30_000,
      0,
      1,
      Budget.DOLLAR,
      20,
      "team " + budgets,
      made,
      0,
      1,
      10,
      10
    };
    return wire.call(ScriptFile.CHARGE, KEYS, args).getFirst();
  }

  @Test
  void a_request_that_is_refused_or_asked_twice_spends_nothing_more() {
    configure(new Limits(1, 0, 0, 0));
    assertEquals(1L, reserve(NOON, "r1", DAY, 1).getFirst());
    assertEquals(1L, reserve(NOON, "r1", DAY, 1).getFirst(), "it runs");
    assertEquals(0L, reserve(NOON, "r2", DAY, 1).getFirst(), "its limit is used up");
    assertEquals("1.000000000/10.000000000 2026-05-01:1.000000000", field("usd/day"));
  }

  @Test
  void a_refund_of_what_was_told_again_is_given_back() {
    configure();
    assertEquals(1L, charge(NOON, "c1", DAY, "of another hash"));
    Object[] told = {at(NOON), "team " + DAY, " 7000000000 0"};
    assertEquals(
        7 * Budget.DOLLAR,
        wire.call(ScriptFile.BUDGETS, new byte[][] {NAMES.budgets}, told).get(3));
    assertEquals(0L, settle(NOON, "c1", DAY, 6, 2));
    assertEquals(
        "3.000000000/10.000000000 2026-05-01:0.000000000 *2026-05-01:3.000000000",
        field("usd/day"));
  }

  @Test
  void one_replica_is_to_say_that_almost_all_is_spent_once_a_period() {
    configure();
    String month = "usd/month=10000000000";
    assertEquals(1L, reserve(NOON, "m1", month, 7).getFirst());
    assertEquals(List.of(7 * Budget.DOLLAR, 0L), seen(NOON, month), "not yet");
    assertEquals(1L, reserve(NOON, "m2", month, 1).getFirst());
    assertEquals(List.of(8 * Budget.DOLLAR, 1L), seen(NOON, month));
    assertEquals(List.of(8 * Budget.DOLLAR, 0L), seen(NOON, month), "another replica");
    assertEquals(List.of(8 * Budget.DOLLAR, 0L), seen(NOON, "usd/month=20000000000"), "raised");
    assertEquals("2026-05", RedisKeys.text(wire.redis().hget(NAMES.budgets, WARNED)));
    String june = "2026-06-01T12:00:00Z";
    Await.until(
        "the warning of May is gone",
        () -> {
          assertEquals(List.of(0L, 0L), seen(june, month));
          return !wire.redis().hexists(NAMES.budgets, WARNED);
        });
    assertEquals(1L, reserve(june, "m3", month, 9).getFirst());
    assertEquals(List.of(9 * Budget.DOLLAR, 1L), seen(june, month));
  }

  @Test
  void a_rolling_budget_that_stays_almost_spent_is_said_again_after_its_period() {
    configure();
    String day = "usd/rolling-day=10000000000";
    assertEquals(1L, reserve(NOON, "d1", day, 9).getFirst());
    assertEquals(List.of(9 * Budget.DOLLAR, 1L), seen(NOON, day));
    assertEquals(List.of(9 * Budget.DOLLAR, 0L), seen("2026-05-02T11:30:00Z", day));
    String after = "2026-05-02T13:00:00Z";
    assertEquals(1L, reserve(after, "d2", day, 8).getFirst());
    assertEquals(List.of(8 * Budget.DOLLAR, 1L), seen(after, day));
  }

  private static final byte[] WARNED = RedisKeys.bytes("warned team usd/month=10000000000");

  /** What a replica reads of a budget: what is spent, and whether it is to say so. */
  private List<Object> seen(String instant, String budget) {
    Object[] told = {at(instant), "team " + budget, " 0 0"};
    List<Object> reply = wire.call(ScriptFile.BUDGETS, new byte[][] {NAMES.budgets}, told);
    return List.of(reply.get(3), reply.get(5));
  }
}
