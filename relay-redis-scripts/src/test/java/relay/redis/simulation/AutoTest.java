package relay.redis.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.RedisUnderTest;
import relay.redis.ScriptConnection;
import relay.redis.model.Accounting;
import relay.redis.simulation.SimulatedFleet.Headers;
import relay.redis.simulation.StatedAccount.Log.Stated;

/**
 * Which rule a group follows whose accounting is automatic: three replicas before one account, at
 * virtual time.
 */
@Tag("slow")
final class AutoTest {
  private static final long LIMIT = 150;

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private SimulatedFleet fleet(int seconds, Headers headers, StatedAccount account) {
    Duration window = Duration.ofSeconds(seconds);
    return new SimulatedFleet(wire, Accounting.AUTO, window, LIMIT, headers, account);
  }

  private static StatedAccount bucket(int seconds, double size) {
    return new StatedAccount.Bucket(size, LIMIT, seconds * 1_000_000L);
  }

  private static StatedAccount log(int seconds, Stated stated) {
    return new StatedAccount.Log(LIMIT, seconds * 1_000_000L, stated);
  }

  /** 83 % of the limit in bursts: in 14 of every 47 sixtieths of a window. */
  private static void bursts(SimulatedFleet fleet, int windows) {
    long w = fleet.windowMicros();
    double rate = 0.83 * LIMIT * 1e6 / w * 47 / 14;
    long from = fleet.time.now();
    long until = from + windows * w;
    for (long at = from; at < until; at += w * 47 / 60) {
      fleet.demand(at, Math.min(at + w * 14 / 60, until), rate);
    }
    fleet.time.run(until);
  }

  private static void saturate(SimulatedFleet fleet, int windows) {
    long until = fleet.time.now() + windows * fleet.windowMicros();
    fleet.demand(fleet.time.now(), until, 1.6 * LIMIT * 1e6 / fleet.windowMicros());
    fleet.time.run(until);
  }

  private static void assertRule(Accounting rule, SimulatedFleet fleet) {
    assertEquals(rule, fleet.state().rule(), fleet.state().why());
  }

  private static void assertStaysAWindow(SimulatedFleet fleet) {
    for (int n = 0; n < 4; n++) {
      bursts(fleet, 2);
      assertRule(Accounting.SLIDING_WINDOW, fleet);
      saturate(fleet, 2);
      assertRule(Accounting.SLIDING_WINDOW, fleet);
    }
    assertEquals(0, fleet.refusedThere);
  }

  @ParameterizedTest
  @CsvSource({"10, EXACT", "20, EXACT", "60, EXACT", "60, SECONDS"})
  void bursts_below_the_limit_are_served_once_answers_prove_the_bucket(
      int seconds, Headers headers) {
    SimulatedFleet fleet = fleet(seconds, headers, bucket(seconds, LIMIT));
    bursts(fleet, 2);
    assertRule(Accounting.TOKEN_BUCKET, fleet);
    long before = fleet.refusedHere;
    bursts(fleet, 8);
    assertEquals(before, fleet.refusedHere);
    fleet.restart();
    fleet.loseState();
    fleet.configure(Accounting.AUTO);
    assertRule(Accounting.TOKEN_BUCKET, fleet);
    bursts(fleet, 4);
    assertEquals(before, fleet.refusedHere, "after a restart");
    assertEquals(0, fleet.refusedThere);
    assertTrue(fleet.state().why().startsWith("the answers prove buckets of rpm 14"), "why");
    fleet.forget();
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 20, 60})
  void the_same_bursts_do_not_fit_a_window(int seconds) {
    SimulatedFleet fleet = fleet(seconds, Headers.NONE, bucket(seconds, LIMIT));
    bursts(fleet, 10);
    assertRule(Accounting.SLIDING_WINDOW, fleet);
    assertTrue(fleet.refusedHere > fleet.sent / 10, "refused " + fleet.refusedHere);
    assertEquals(0, fleet.refusedThere);
    assertTrue(fleet.state().why().startsWith("no answer states"), fleet.state().why());
    fleet.forget();
  }

  @ParameterizedTest
  @CsvSource({
    "10, EXACT, FULL", "60, EXACT, FULL", "20, EXACT, NEXT",
    "10, SECONDS, NEXT", "60, EXACT, LINEAR", "10, SECONDS, LINEAR"
  })
  void a_strict_log_is_not_taken_for_a_bucket_whatever_it_calls_its_reset(
      int seconds, Headers headers, Stated stated) {
    SimulatedFleet fleet = fleet(seconds, headers, log(seconds, stated));
    assertStaysAWindow(fleet);
    fleet.forget();
  }

  @Tag("long")
  @ParameterizedTest
  @CsvSource({
    "20, EXACT, FULL", "10, SECONDS, FULL", "10, EXACT, NEXT",
    "60, EXACT, NEXT", "10, EXACT, LINEAR", "20, EXACT, LINEAR"
  })
  void nor_is_it_in_the_other_cases(int seconds, Headers headers, Stated stated) {
    a_strict_log_is_not_taken_for_a_bucket_whatever_it_calls_its_reset(seconds, headers, stated);
  }

  @Tag("long")
  @ParameterizedTest
  @ValueSource(ints = {10, 20})
  void so_are_they_with_whole_seconds(int seconds) {
    bursts_below_the_limit_are_served_once_answers_prove_the_bucket(seconds, Headers.SECONDS);
  }

  @ParameterizedTest
  @CsvSource({"10, EXACT", "20, EXACT", "60, EXACT", "10, SECONDS", "60, SECONDS"})
  void a_window_of_the_clock_is_not_taken_for_a_bucket(int seconds, Headers headers) {
    StatedAccount clock = new StatedAccount.Clock(LIMIT, seconds * 1_000_000L);
    SimulatedFleet fleet = fleet(seconds, headers, clock);
    assertStaysAWindow(fleet);
    fleet.forget();
  }

  @ParameterizedTest
  @CsvSource({"10, EXACT", "20, EXACT", "60, EXACT", "10, SECONDS", "60, SECONDS"})
  void a_second_user_of_the_account_keeps_it_from_being_taken_for_a_bucket(
      int seconds, Headers headers) {
    SimulatedFleet fleet = fleet(seconds, headers, bucket(seconds, LIMIT));
    long w = fleet.windowMicros();
    fleet.others(fleet.time.now(), fleet.time.now() + 12 * w, 0.5 * LIMIT * 1e6 / w);
    for (int n = 0; n < 12; n++) {
      saturate(fleet, 1);
      assertRule(Accounting.SLIDING_WINDOW, fleet);
    }
    assertEquals(0, fleet.refusedThere);
    fleet.forget();
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 20, 60})
  void a_refusal_ends_it_and_the_next_proof_needs_twice_as_much(int seconds) {
    SimulatedFleet fleet = fleet(seconds, Headers.EXACT, bucket(seconds, LIMIT));
    bursts(fleet, 2);
    assertRule(Accounting.TOKEN_BUCKET, fleet);
    fleet.refuseNext();
    bursts(fleet, 1);
    assertEquals(1, fleet.refusedThere);
    assertRule(Accounting.SLIDING_WINDOW, fleet);
    assertTrue(fleet.state().why().contains(" of 40 answers agree"), fleet.state().why());
    bursts(fleet, 5);
    assertRule(Accounting.TOKEN_BUCKET, fleet);
    fleet.refuseNext();
    bursts(fleet, 1);
    assertTrue(fleet.state().why().contains(" of 80 answers agree"), fleet.state().why());
    fleet.forget();
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 20, 60})
  void a_bucket_that_turns_into_a_window_is_noticed_by_its_times(int seconds) {
    SimulatedFleet fleet = fleet(seconds, Headers.EXACT, bucket(seconds, LIMIT));
    bursts(fleet, 2);
    assertRule(Accounting.TOKEN_BUCKET, fleet);
    fleet.provider(log(seconds, Stated.FULL));
    bursts(fleet, 2);
    assertRule(Accounting.SLIDING_WINDOW, fleet);
    fleet.forget();
  }

  @Test
  void the_size_of_a_smaller_bucket_is_what_answers_prove() {
    int seconds = 60;
    SimulatedFleet fleet = fleet(seconds, Headers.EXACT, bucket(seconds, LIMIT / 6.0));
    saturate(fleet, 4);
    assertRule(Accounting.TOKEN_BUCKET, fleet);
    assertTrue(fleet.state().burst() < 0.17, "burst " + fleet.state().burst());
    long served = fleet.served;
    saturate(fleet, 4);
    assertTrue(fleet.served - served >= 0.99 * 4 * LIMIT, "served " + (fleet.served - served));
    assertEquals(0, fleet.refusedThere);
    fleet.forget();
  }
}
