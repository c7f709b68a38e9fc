package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.library.ScriptFile;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.HeldLease;
import relay.redis.walk.Step;
import relay.redis.walk.Wish;

/** Leases that last, by the clock of the test: their death, and what comes after it. */
final class LastingScriptTest {
  private static final long SECOND = 1_000_000;
  private static final long MINUTE = 60 * SECOND;
  private static final List<String> FIELDS = List.of("k:key0", "g:account0/model");

  private final PoolPlan plan =
      Pools.plan("lasting", Duration.ofMinutes(1), 1, new Limits(40_000, 900_000, 900_000, 0));
  private final RedisKeys names = new RedisKeys("lasting", Pools.name("p"));
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private long micros = 1_790_000_000_000_000L;

  LastingScriptTest() {
    call(new Step.Configure(0, 7, plan));
  }

  @AfterEach
  void disconnect() {
    wire.close();
  }

  @Test
  void input_and_reported_output_stay_charged_when_its_holder_dies() {
    acquire("@a:1", 60_000);
    micros += 2 * SECOND;
    assertEquals(1L, progress("@a:1", 40, 100, 50_000));
    micros += 59 * SECOND;
    assertEquals(List.of(0L, 0L, 40L, 0L), state(), "the grant has left the window");
    assertEquals(0L, progress("@a:1", 90, 10, 60_000), "it does not come back to life");
    assertEquals(List.of(0L, 0L, 40L, 0L), state());
  }

  @Test
  void a_report_renews_it_to_its_own_time() {
    acquire("@a:1", 1_000);
    for (int n = 1; n < 100; n++) {
      micros += 900_000;
      assertEquals(1L, progress("@a:1", n, 0, 1_000));
    }
    micros += 1_100_000;
    assertEquals(0L, progress("@a:1", 100, 0, 1_000));
  }

  @Test
  void a_settlement_within_an_hour_after_its_death_corrects_the_charge_once() {
    acquire("@a:1", 10_000);
    micros += 12 * SECOND;
    assertEquals(List.of(10L, 500L, 0L, 0L), state());
    assertEquals(0L, settle("@a:1", 4, 300, 20));
    assertEquals(List.of(4L, 300L, 20L, 0L), state());
    assertEquals(-4L, settle("@a:1", 10, 900, 90));
    micros += 59 * MINUTE;
    assertEquals(-4L, settle("@a:1", 10, 900, 90), "it is known for an hour");
    assertEquals(List.of(0L, 0L, 0L, 0L), state());
  }

  @Test
  void what_has_left_the_window_is_not_given_back() {
    acquire("@a:1", 10_000);
    micros += 50 * MINUTE;
    acquire("@a:2", 60_000);
    assertEquals(List.of(10L, 500L, 0L, 1L), state());
    assertEquals(120L, settle("@a:1", 0, 620, 0), "more than was reserved is charged now");
    assertEquals(List.of(10L, 620L, 0L, 1L), state());
    assertEquals(-4L, settle("@a:1", 1, 1, 1), "without requests it counts once, too");
    micros += 11 * MINUTE;
    assertEquals(0L, settle("@a:2", 10, 500, 0), "dead, and known");
  }

  @Test
  void an_owner_has_ten_thousand_open_leases_at_most() {
    for (int opened = 0; opened < 10_000; opened += 100) {
      openHundred(opened);
    }
    assertEquals(List.of(0L, SECOND, 9L), one("@a:more").subList(0, 3));
    assertEquals(1_001L, one("@b:1").getFirst(), "another owner");
    assertEquals(1_001L, one("@a:0").getFirst(), "one that is open");
    settle("@a:0", 1, 1, 0);
    assertEquals(1_001L, one("@a:more").getFirst(), "one has ended");
    assertEquals(0L, one("@a:again").getFirst());
    micros += 62 * SECOND;
    openHundred(10_000); // all have died, though a sweep has found a few of them only
  }

  private void openHundred(int from) {
    List<Wish> wishes = new ArrayList<>();
    for (int n = 0; n < 100; n++) {
      wishes.add(small("@a:" + (from + n)));
    }
    List<Object> reply = call(new Step.Acquire(wishes, 7, 30_000, FIELDS));
    assertEquals(1_001L, reply.get(2 + 5 * 99));
  }

  @Test
  void one_that_died_is_not_open() {
    acquire("@a:1", 10_000);
    acquire("@a:2", 1_000);
    acquire("@a:3", 60_000);
    assertEquals(1L, progress("@a:2", 1, 0, 10_000));
    assertEquals(3L, open("a"));
    micros += 11 * SECOND;
    state(); // a survey sweeps, once a second
    assertEquals(1L, open("a"));
    assertEquals(0L, settle("@a:1", 1, 1, 1));
    assertEquals(0L, settle("@a:3", 1, 1, 1));
    assertEquals(0L, open("a"));
  }

  /** As {@code redis-cli ZCARD} tells it. */
  private long open(String owner) {
    return wire.redis().zcard(RedisKeys.bytes(names.base() + "leases:4:@" + owner));
  }

  /** The list is in order of time: one that is far ahead would keep the next ones out of it. */
  @Test
  void others_stand_in_their_list_as_before() {
    acquire("@a:1", 900_000);
    call(Step.acquire("l1", 7, 1, 1, 30_000, FIELDS));
    assertEquals(List.of("l1"), ScriptConnection.readable(wire.redis().lrange(names.due, 0, -1)));
  }

  @Test
  void its_keys_end_by_themselves() {
    acquire("@a:1", 900_000);
    for (String name : wire.names(names.base())) {
      assertTrue(wire.redis().pttl(RedisKeys.bytes(name)) > 0, name);
    }
    assertTrue(wire.names(names.base()).stream().anyMatch(name -> name.endsWith(":@a")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "@a:1 -:1000:0", "@a:1 -:1000:1000001", "@a:1 -:1000:-1", "@a:1 -:1000", "@a:1 -1:1000:1",
        "@a:1 5:1e3:1", "@a:1 :1000:1", "@a:1 -:9999999999999:1", "@a:1 5:1000:1++", "l1 5:1000:1",
        "@a:1 nan:1000:1", "@a:1 5:1000:0x1"
      })
  void bad_numbers_are_refused(String text) {
    String[] words = text.split(" ", -1);
    Clock clock = new Clock(micros, 0);
    Step step = Step.acquire(words[0], 7, 1, 1, 30_000, FIELDS);
    List<Object> args = step.args(clock);
    args.set(0, String.valueOf(args.getFirst()).replaceFirst("-$", words[1]));
    CompletionException refused =
        assertThrows(
            CompletionException.class,
            () -> wire.call(ScriptFile.ACQUIRE, step.keys(names), args.toArray()));
    assertTrue(String.valueOf(refused.getMessage()).contains("BADARG"), refused.getMessage());
  }

  private void acquire(String id, long ttlMs) {
    Wish wish = new Wish(id, 500, 200, 50, "", new Wish.Term(ttlMs, 10, false));
    List<Object> reply = call(new Step.Acquire(List.of(wish), 7, 30_000, FIELDS));
    assertEquals(10_001L, reply.get(2));
  }

  private List<Object> one(String id) {
    return call(new Step.Acquire(List.of(small(id)), 7, 30_000, FIELDS)).subList(2, 7);
  }

  private static Wish small(String id) {
    return new Wish(id, 1, 0, 0, "", new Wish.Term(60_000, 1, false));
  }

  private Object progress(String id, long made, long rest, long ttlMs) {
    HeldLease.Report report = new HeldLease.Report(id, made, rest, 0);
    HeldLease held = new HeldLease(id, "", "", 0, 0, 0, 0, report, ttlMs);
    return call(new Step.Renew(30_000, List.of(held))).get(2);
  }

  private long settle(String id, long requests, long input, long output) {
    Step.Cost cost = new Step.Cost(id, requests, input, output);
    return (Long) call(new Step.Settle(List.of(cost))).get(2);
  }

  /** Requests, input and output in the window, and what is in flight. */
  private List<?> state() {
    List<?> group =
        (List<?>) call(new Step.Survey("", 1, plan.groups(), plan.keys(), List.of())).get(8);
    return group.subList(0, 4);
  }

  private List<Object> call(Step step) {
    return wire.call(step, names, new Clock(micros, 0));
  }
}
