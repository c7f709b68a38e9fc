package relay.redis.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import relay.redis.Pools;
import relay.redis.RedisUnderTest;
import relay.redis.ScriptConnection;
import relay.redis.model.Accounting;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.script.RedisKeys;
import relay.redis.simulation.Cell.Enforced;
import relay.redis.simulation.SimulatedTraffic.Kind;
import relay.redis.walk.Clock;
import relay.redis.walk.HeldLease;
import relay.redis.walk.Step;
import relay.redis.walk.Wish;

/**
 * A provider whose bucket holds less than its stated limit, and an account that others use, too:
 * what headers tell of both, in simulations of the model and on the scripts.
 */
@Tag("slow")
final class SmallerBucketTest {
  private static final long NOW = 1_790_000_000_000_000L;
  private static final long SECOND = 1_000_000;
  private static final long EPOCH = 7;
  private static final long LIMIT = 200_000;
  private static final String GROUP = "account0/model";
  private static final List<String> FIELDS = List.of("k:key0", "g:" + GROUP);

  private final RedisKeys names = new RedisKeys("smaller", Pools.name("p"));
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  @AfterEach
  void disconnect() {
    wire.close();
  }

  static Stream<Arguments> aims() {
    return Stream.of(
        Arguments.of(Kind.AGENTS, Enforced.TOLD, Rule.SLIDING_WINDOW, 1, 0.005, 0.96),
        Arguments.of(Kind.AGENTS, Enforced.TOLD, Rule.TOKEN_BUCKET, 1, 0.005, 0.99),
        Arguments.of(Kind.AGENTS, Enforced.TOLD, Rule.TOKEN_BUCKET, 1, 0.02, 0.97),
        Arguments.of(Kind.AGENTS, Enforced.TOLD_LEFT, Rule.SLIDING_WINDOW, 1, 0.005, 0.96),
        Arguments.of(Kind.KNOWN, Enforced.TOLD, Rule.SLIDING_WINDOW, 1, 0.005, 0.98),
        Arguments.of(Kind.KNOWN, Enforced.TOLD, Rule.SLIDING_WINDOW, 0.1, 0.001, 0.98),
        Arguments.of(Kind.KNOWN, Enforced.TOLD, Rule.TOKEN_BUCKET, 1, 0.005, 0.98),
        Arguments.of(Kind.KNOWN, Enforced.TOLD, Rule.TOKEN_BUCKET, 0.1, 0.005, 0.98),
        Arguments.of(Kind.KNOWN, Enforced.TOLD_SECOND, Rule.SLIDING_WINDOW, 0.01, 0.001, 0.97),
        Arguments.of(Kind.KNOWN, Enforced.TOLD_SECOND, Rule.TOKEN_BUCKET, 0.01, 0.001, 0.97),
        Arguments.of(Kind.EVEN, Enforced.SIXTH, Rule.SLIDING_WINDOW, 0.1, 0.001, 0.98),
        Arguments.of(Kind.EVEN, Enforced.SIXTH, Rule.TOKEN_BUCKET, 0.1, 0.001, 0.98),
        // others use the other half
        Arguments.of(Kind.KNOWN, Enforced.SHARED, Rule.SLIDING_WINDOW, 1, 0.005, 0.49),
        Arguments.of(Kind.KNOWN, Enforced.SHARED, Rule.TOKEN_BUCKET, 1, 0.005, 0.49),
        Arguments.of(Kind.AGENTS, Enforced.SHARED, Rule.SLIDING_WINDOW, 1, 0.005, 0.49),
        Arguments.of(Kind.AGENTS, Enforced.SHARED_SIXTH, Rule.SLIDING_WINDOW, 1, 0.005, 0.49));
  }

  @ParameterizedTest
  @MethodSource("aims")
  void a_smaller_bucket_is_used_whole_and_refuses_nearly_nothing_once_it_is_known(
      Kind kind, Enforced account, Rule rule, double burst, double size, double aim) {
    Accounting ours = Objects.requireNonNull(rule.ours);
    ModelRule gate = new ModelRule(ours, SimulatedTraffic.LIMIT, burst, SimulatedTraffic.START);
    Outcome outcome = Simulation.run(gate, new Cell(kind, account, 8, rule, size));
    assertTrue(outcome.used() >= aim, outcome.toString());
    assertTrue(outcome.refusedLater() <= outcome.sent() / 1_000, outcome.toString());
  }

  private List<Object> call(Step step, long at) {
    return wire.call(step, names, new Clock(at, 0));
  }

  private void configure(Accounting accounting) {
    PoolPlan plan = Pools.accounting("smaller", accounting, new Limits(0, LIMIT, 0, 0));
    var _ = call(new Step.Configure(0, EPOCH, plan), NOW);
  }

  private boolean isGranted(String lease, long tokens, long at) {
    Step ask = Step.acquire(lease, EPOCH, tokens, 0, 3_600_000, FIELDS);
    return Long.valueOf(1).equals(call(ask, at).get(2));
  }

  /** Returns what was charged as the use of others. */
  private long told(long left, long fullMs, long granted, long at) {
    Step step =
        new Step.Observe(
            GROUP,
            List.of(0L, LIMIT, 0L, 0L),
            List.of(-1L, left, -1L, -1L),
            granted,
            List.of(-1L, fullMs, -1L, -1L),
            List.of());
    return (Long) call(step, at).get(3);
  }

  private List<?> surveyed(long at) {
    return (List<?>) call(new Step.Survey("", 0, List.of(GROUP), List.of(), List.of()), at).get(8);
  }

  private long used(long at) {
    return (Long) Objects.requireNonNull(surveyed(at).get(1));
  }

  /** In thousandths; a rounding does not matter. */
  private void assertBurst(long expected, long at) {
    long burst = burst(at);
    assertTrue(Math.abs(burst - expected) <= 2, "burst " + burst);
  }

  private long burst(long at) {
    return (Long) Objects.requireNonNull(surveyed(at).get(14));
  }

  @Test
  void an_answer_while_the_group_is_idle_bounds_the_burst_and_is_charged_to_nobody() {
    configure(Accounting.SLIDING_WINDOW);
    assertTrue(isGranted("first", 1_000, NOW));
    assertEquals(0, told(LIMIT / 6 - 1_000, -1, NOW, NOW + SECOND));
    assertBurst(950 / 6 - 5, NOW + SECOND);
    assertTrue(isGranted("a part of the bucket", 25_000, NOW + SECOND));
    assertEquals(false, isGranted("more than the rest", 12_000, NOW + SECOND));
    // more was left: the provider has changed
    assertEquals(0, told(LIMIT, -1, NOW + 40 * SECOND, NOW + 41 * SECOND));
    assertEquals(1_000, burst(NOW + 41 * SECOND));
  }

  @Test
  void the_time_of_the_refill_tells_the_buckets_size_while_it_is_in_use() {
    configure(Accounting.TOKEN_BUCKET);
    assertTrue(isGranted("first", 30_000, NOW));
    assertEquals(0, told(3_333, 9_000, NOW, NOW + SECOND));
    assertBurst(1_000 / 6, NOW + SECOND);
  }

  @Test
  void what_is_known_of_the_bucket_survives_the_pools_state() {
    configure(Accounting.SLIDING_WINDOW);
    assertTrue(isGranted("first", 1_000, NOW));
    assertEquals(0, told(LIMIT / 6, -1, NOW, NOW + SECOND));
    wire.redis().del(names.state, names.win, names.leases);
    configure(Accounting.SLIDING_WINDOW);
    assertBurst(950 / 6, NOW);
  }

  @Test
  void our_own_overage_is_charged_once_whether_the_header_or_the_settlement_comes_first() {
    configure(Accounting.SLIDING_WINDOW);
    assertTrue(isGranted("large", 20_000, NOW));
    assertTrue(told(LIMIT - 100_000, 28_000, NOW, NOW + SECOND) > 70_000);
    var _ = call(Step.settle("large", 100_000, 0), NOW + 2 * SECOND);
    assertEquals(100_000, used(NOW + 2 * SECOND));
    assertEquals(0, told(LIMIT - 100_000, 28_000, NOW, NOW + 3 * SECOND));
  }

  @Test
  void what_a_header_told_of_one_overage_does_not_pay_for_another() {
    configure(Accounting.SLIDING_WINDOW);
    assertTrue(isGranted("one", 10_000, NOW));
    assertTrue(isGranted("two", 10_000, NOW));
    assertTrue(told(LIMIT - 60_000, 16_000, NOW, NOW + SECOND) > 20_000);
    var _ = call(Step.settle("one", 50_000, 0), NOW + 2 * SECOND);
    assertEquals(60_000, used(NOW + 2 * SECOND));
    var _ = call(Step.settle("two", 30_000, 0), NOW + 2 * SECOND);
    assertEquals(80_000, used(NOW + 2 * SECOND));
  }

  @Test
  void the_output_of_a_stream_is_charged_once_also_if_a_header_told_of_it_before_its_report() {
    PoolPlan plan =
        Pools.accounting("smaller", Accounting.SLIDING_WINDOW, new Limits(0, 0, LIMIT, 0));
    var _ = call(new Step.Configure(0, EPOCH, plan), NOW);
    Wish stream = new Wish("stream", 0, 1_000, 100, "");
    var _ = call(new Step.Acquire(List.of(stream), EPOCH, 3_600_000, FIELDS), NOW);
    Step header =
        new Step.Observe(
            GROUP,
            List.of(0L, 0L, LIMIT, 0L),
            List.of(-1L, -1L, LIMIT - 59_800, -1L),
            NOW,
            List.of(-1L, -1L, 17_900L, -1L),
            List.of());
    long told = (Long) call(header, NOW + SECOND).get(4);
    assertTrue(told > 50_000, "told " + told);
    HeldLease.Report report = new HeldLease.Report("stream", 100_200, 500, 100);
    var _ = call(new Step.Renew(3_600_000, List.of(HeldLease.of(report))), NOW + 2 * SECOND);
    assertEquals(100_200L, surveyed(NOW + 2 * SECOND).get(2));
    var _ = call(Step.settle("stream", 0, 100_900), NOW + 3 * SECOND);
    assertEquals(100_900L, surveyed(NOW + 3 * SECOND).get(2));
  }

  @Test
  void the_use_of_others_stays_charged_when_a_later_request_costs_more_than_reserved() {
    configure(Accounting.SLIDING_WINDOW);
    assertTrue(isGranted("one", 10_000, NOW));
    long others = told(LIMIT - 90_000, 25_000, NOW, NOW + SECOND);
    assertTrue(others > 70_000);
    assertTrue(isGranted("two", 1_000, NOW + 2 * SECOND));
    var _ = call(Step.settle("two", 5_000, 0), NOW + 3 * SECOND);
    assertEquals(15_000 + others, used(NOW + 3 * SECOND));
  }

  @Test
  void a_header_that_may_be_a_window_old_is_charged_to_nobody() {
    configure(Accounting.SLIDING_WINDOW);
    assertTrue(isGranted("long", 100_000, NOW));
    assertEquals(0, told(LIMIT - 100_000, 28_000, NOW, NOW + 65 * SECOND));
    assertEquals(0, used(NOW + 65 * SECOND));
  }

  @Test
  void a_provider_that_counts_in_windows_is_compared_with_the_window() {
    configure(Accounting.SLIDING_WINDOW);
    assertTrue(isGranted("half", 100_000, NOW));
    assertEquals(0, told(LIMIT - 100_000, 59_000, NOW, NOW + SECOND));
    assertTrue(isGranted("a little", 1_000, NOW + 50 * SECOND));
    // our window still holds all of it; a bucket would have refilled it
    assertEquals(0, told(LIMIT - 101_000, 59_000, NOW + 50 * SECOND, NOW + 51 * SECOND));
  }
}
