package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.RedisCommandExecutionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import relay.redis.model.Days;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Usage;
import relay.redis.script.RedisKeys;
import relay.redis.walk.ChargeStep;
import relay.redis.walk.Clock;
import relay.redis.walk.CooldownStep;
import relay.redis.walk.HeldLease;
import relay.redis.walk.Step;
import relay.redis.walk.TalliedStep;
import relay.redis.walk.TallyStep;
import relay.redis.walk.Wish;

/** Every script rejects bad numbers before it writes anything. */
@Tag("slow")
final class BadNumbersTest {
  private static final List<Long> NOTHING = List.of(0L, 0L, 0L, 0L);

  private static final List<String> BAD =
      List.of(
          "NaN",
          "nan",
          "Inf",
          "inf",
          "-inf",
          "-1",
          "-0",
          "+1",
          "1e400",
          "1e3",
          "0x10",
          "",
          " ",
          "3.7",
          "1 ",
          "9007199254740992",
          "99999999999999999999999",
          "x");

  /** Valid as a time in microseconds, but too large for a count or a duration. */
  private static final String ABOVE_COUNTS = "1000000000001";

  private static final Clock NOW = new Clock(1_790_000_000_000_000L, 1_790_000_000_000_000L);
  private static final PoolPlan PLAN =
      Pools.plan("bad", Duration.ofMinutes(1), 2, new Limits(10, 10, 10, 10));
  private static final PoolPlan DAILY =
      new PoolPlan(
          PLAN.name(),
          PLAN.window(),
          PLAN.strategy(),
          PLAN.accounting(),
          1,
          PLAN.modelClasses(),
          PLAN.keys(),
          PLAN.limits(),
          false,
          new Days(Map.of("account0/model", new Days.Count(5, 5)), null, Days.NONE.zone()));
  private static final List<String> FIELDS = List.of("k:key0", "g:account0/model");
  private static final Step INDEXED =
      new Step.AcquireIndexed(
          List.of(new Step.Cost("held", 1, 1, 1)),
          List.of(new Wish("new", 1, 1, "")),
          7,
          30_000,
          List.of("ready:any"),
          List.of("ready:any"),
          List.of(),
          List.of());

  /**
   * A script's good arguments.
   *
   * @param moments indices of moments in microseconds
   * @param counts indices of counts and durations
   * @param words those that stand with others in one argument
   */
  record Good(Step step, List<Integer> moments, List<Integer> counts, List<Word> words) {
    Good(Step step, List<Integer> moments, List<Integer> counts) {
      this(step, moments, counts, List.of());
    }

    @Override
    public String toString() {
      return step.script() + " " + step;
    }
  }

  private static final Step REPORT =
      new Step.Renew(30_000, List.of(HeldLease.of(new HeldLease.Report("held", 5, 5, 5))));

  private static final Step COMING =
      new Step.Acquire(List.of(new Wish("new", 1, 1, 1, "")), 7, 30_000, FIELDS);

  static Stream<Good> all() {
    List<Integer> configured = new ArrayList<>(List.of(2, 3, 4, 5, 6, 8, 10));
    IntStream.of(14, 15, 16, 17, 19, 20, 21, 22, 25, 26, 27, 30, 31, 32).forEach(configured::add);
    List<Word> acquire = words(0, "cm cccc");
    List<Word> both = words(0, "cm ccccccc");
    List<Word> indexed = words(0, "cm cccccccccccc");
    Step.Acquire one = Step.acquire("new", 7, 1, 1, 30_000, FIELDS);
    List<Step.Cost> held = List.of(new Step.Cost("held", 1, 1, 1));
    Step two = new Step.Acquire(held, one.wishes(), 7, 30_000, FIELDS);
    List<Word> settle = words(0, "m ccc");
    return Stream.of(
        new Good(one, List.of(), List.of(), acquire),
        new Good(two, List.of(), List.of(), both),
        new Good(INDEXED, List.of(), List.of(), indexed),
        new Good(Step.settle("held", 5, 5), List.of(), List.of(), settle),
        new Good(Step.settle("unknown", 5, 5), List.of(), List.of(), settle),
        new Good(Step.cancel("held"), List.of(), List.of(), settle),
        new Good(Step.cancel("unknown"), List.of(), List.of(), settle),
        new Good(new Step.Renew(30_000, List.of(HeldLease.of("held"))), List.of(0), List.of(2)),
        new Good(REPORT, List.of(0), List.of(2), words(3, " ccc")),
        new Good(COMING, List.of(), List.of(), words(0, "cm ccccc")),
        new Good(
            ChargeStep.ended("new", "account0/model", 1, 1, 1),
            List.of(0),
            List.of(5, 6, 7, 8, 9, 12, 13, 14, 15)),
        new Good(new CooldownStep("g:account0/model", 1, 1), List.of(0, 4), List.of(3)),
        new Good(new CooldownStep("k:key0", 1, 1), List.of(0, 4), List.of(3)),
        new Good(
            new Step.Observe("account0/model", NOTHING, NOTHING, 0, NOTHING, List.of()),
            List.of(0, 3),
            List.of(4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)),
        new Good(new Step.Configure(0, 9, PLAN), List.of(0), configured),
        new Good(new Step.Configure(0, 9, DAILY), List.of(0), configured, words(12, " m ccmm")),
        new Good(
            new Step.Survey("r1", 0, PLAN.groups(), PLAN.keys(), List.of()),
            List.of(1),
            List.of(3, 5)),
        new Good(
            new TallyStep("r1", 30_000, List.of(new TallyStep.Told("c", Usage.NONE, 0))),
            List.of(),
            List.of(0, 2, 4, 5, 6, 7)),
        new Good(new TalliedStep(List.of("r1"), List.of("c")), List.of(), List.of(0, 1)));
  }

  /** One of several numbers in an argument: a time or a count. */
  record Word(int argument, int place, boolean moment) {
    String with(String argument, String word) {
      String[] words = argument.split(" ", -1);
      words[place] = word;
      return String.join(" ", words);
    }
  }

  /** One word per letter: a count, a time, or other text. */
  private static List<Word> words(int argument, String kinds) {
    List<Word> words = new ArrayList<>();
    for (int n = 0; n < kinds.length(); n++) {
      if (kinds.charAt(n) != ' ') {
        words.add(new Word(argument, n, kinds.charAt(n) == 'm'));
      }
    }
    return words;
  }

  private ScriptConnection wire;
  private RedisKeys names;

  @BeforeEach
  void pool() {
    wire = new ScriptConnection(RedisUnderTest.url());
    names = new RedisKeys("bad", Pools.name("p"));
    assertEquals(1L, call(new Step.Configure(0, 7, PLAN)).getFirst());
    assertEquals(1L, call(Step.acquire("held", 7, 1, 1, 30_000, FIELDS)).getFirst());
  }

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private List<Object> call(Step step) {
    return wire.call(step, names, NOW);
  }

  @ParameterizedTest
  @MethodSource("all")
  void a_bad_number_is_refused_before_anything_is_written(Good good) {
    Map<String, String> before = dump();
    Object[] args = good.step().args(NOW).toArray();
    for (int index = 0; index < args.length; index++) {
      boolean count = good.counts().contains(index);
      if (count || good.moments().contains(index)) {
        for (String bad : BAD) {
          refused(good.step(), args, index, bad);
        }
      }
      if (count) {
        refused(good.step(), args, index, ABOVE_COUNTS);
      }
    }
    for (Word word : good.words()) {
      String argument = String.valueOf(args[word.argument()]);
      for (String bad : BAD) {
        refused(good.step(), args, word.argument(), word.with(argument, bad));
      }
      if (!word.moment()) {
        refused(good.step(), args, word.argument(), word.with(argument, ABOVE_COUNTS));
      }
    }
    assertEquals(before, dump());
    // Without this check, the test would also pass if the good arguments were refused.
    assertTrue(List.of(1L, -3L).contains(call(good.step()).getFirst()));
  }

  @ParameterizedTest
  @MethodSource("bursts")
  void a_burst_ratio_lies_above_0_and_at_most_at_1(String bad) {
    Map<String, String> before = dump();
    Step step = new Step.Configure(0, 9, PLAN);
    refused(step, step.args(NOW).toArray(), 7, bad);
    assertEquals(before, dump());
  }

  static Stream<String> bursts() {
    return Stream.concat(BAD.stream().filter(b -> !b.equals("+1")), Stream.of("0", "1.1", "0.0"));
  }

  @ParameterizedTest
  @MethodSource("counts")
  void a_wrong_count_of_groups_is_refused(int groups) {
    Map<String, String> before = dump();
    Step configure = new Step.Configure(0, 9, PLAN);
    refused(configure, configure.args(NOW).toArray(), 9, Integer.toString(groups));
    if (groups > PLAN.groups().size() + 2 * PLAN.keys().size()) {
      Step survey = new Step.Survey("r1", 0, PLAN.groups(), PLAN.keys(), List.of());
      refused(survey, survey.args(NOW).toArray(), 5, Integer.toString(groups));
    }
    assertEquals(before, dump());
  }

  static Stream<Integer> counts() {
    return Stream.of(1, 3, 1_000_000);
  }

  private void refused(Step step, Object[] good, int index, String bad) {
    Object[] args = Arrays.copyOf(good, good.length);
    args[index] = bad;
    String what = step.script() + " ARGV[" + (index + 1) + "] = '" + bad + "'";
    CompletionException refusal =
        assertThrows(
            CompletionException.class,
            () -> wire.send(step.script(), step.keys(names), args).join(),
            what);
    assertTrue(refusal.getCause() instanceof RedisCommandExecutionException, what);
    assertTrue(
        String.valueOf(refusal.getCause().getMessage()).startsWith("BADARG"),
        what + ": " + refusal.getCause().getMessage());
  }

  /** The content of all keys. Not DUMP: Redis may reorder a hash's fields in the background. */
  private Map<String, String> dump() {
    Map<String, String> all = new TreeMap<>();
    for (String name : wire.names("bad:{")) {
      all.put(name, content(RedisKeys.bytes(name)));
    }
    return all;
  }

  private String content(byte[] name) {
    return switch (wire.redis().type(name)) {
      case "hash" -> {
        Map<String, String> fields = new TreeMap<>();
        wire.redis()
            .hgetall(name)
            .forEach(
                (field, value) -> fields.put(ScriptConnection.text(field), Arrays.toString(value)));
        yield fields.toString();
      }
      case "list" ->
          wire.redis().lrange(name, 0, -1).stream().map(ScriptConnection::text).toList().toString();
      case "zset" ->
          wire.redis().zrangeWithScores(name, 0, -1).stream()
              .map(v -> ScriptConnection.text(v.getValue()) + " " + v.getScore())
              .toList()
              .toString();
      case "string" -> ScriptConnection.text(wire.redis().get(name));
      case String other -> throw new AssertionError(ScriptConnection.text(name) + " is a " + other);
    };
  }
}
