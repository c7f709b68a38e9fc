package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.library.ScriptFile;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.HeldLease;
import relay.redis.walk.Step;
import relay.redis.walk.Wish;

/** What a call costs Redis: commands are bounded, time is printed. */
@Tag("slow")
final class CostTest {
  private static final int CALLS = 2_000;
  private static final Pattern STAT = Pattern.compile("cmdstat_(\\S+):calls=(\\d+),usec=(\\d+),.*");

  /** The calls of one command since the statistics were reset. */
  private record Cost(long calls, long micros) {}

  @ParameterizedTest
  @ValueSource(ints = {1, 4, 16, 64})
  void a_call_runs_few_commands_in_redis(int keys) {
    try (FaultyRedis redis = FaultyRedis.start();
        ScriptConnection wire = new ScriptConnection(redis.url())) {
      PoolPlan plan =
          Pools.plan("cost", Duration.ofMinutes(1), keys, new Limits(1_000_000, 0, 0, 0));
      RedisKeys names = new RedisKeys("cost", "cost");
      List<String> fields = new ArrayList<>();
      for (int n = 0; n < keys; n++) {
        fields.addAll(List.of("k:key" + n, "g:account" + n + "/model"));
      }
      long micros = 1_790_000_000_000_000L;
      call(wire, names, new Step.Configure(0, 7, plan), micros);
      List<Step> acquires = new ArrayList<>();
      List<Step> settles = new ArrayList<>();
      for (int n = 0; n < CALLS; n++) {
        acquires.add(Step.acquire("l" + n, 7, 10, 10, 30_000, fields));
        settles.add(Step.settle("l" + n, 5, 5));
      }
      micros = run(wire, names, acquires.subList(0, 200), micros); // warm
      run(wire, names, settles.subList(0, 200), micros);
      String acquire = report(wire, names, acquires.subList(200, CALLS), micros, 9);
      String settle = report(wire, names, settles.subList(200, CALLS), micros, 8);
      System.out.printf("Cost with %d keys: acquire %s, settle %s%n", keys, acquire, settle);
    }
  }

  /** Nor do those without such limits ask whether there are some. */
  @Test
  void limits_a_day_cost_a_call_no_command() {
    try (FaultyRedis redis = FaultyRedis.start();
        ScriptConnection wire = new ScriptConnection(redis.url())) {
      Map<String, Long> without = commands(wire, "without", DayPool.plan(4, 0, 0), "");
      assertEquals(without, commands(wire, "with", DayPool.plan(4, 1_000_000, 1_000_000_000), ""));
      assertEquals(2L * CALLS, count(without, "fcall"));
      long reads = count(without, "hget", "hmget");
      long writes = count(without, "hset", "rpush");
      assertTrue(reads < 2.01 * 2 * CALLS, without.toString()); // two a call, as ever
      assertTrue(writes < 2.51 * 2 * CALLS, without.toString()); // three an acquire, two a settle
    }
  }

  /** With an empty queue; also for a batch client, which leaves a part of each limit free. */
  @Test
  void shares_cost_a_call_no_command() {
    try (FaultyRedis redis = FaultyRedis.start();
        ScriptConnection wire = new ScriptConnection(redis.url())) {
      PoolPlan plan = DayPool.plan(4, 0, 0);
      Map<String, Long> without = commands(wire, "without", plan, "");
      assertEquals(without, commands(wire, "equal", plan, " team 2 1 0 0 - 0 -"));
      assertEquals(without, commands(wire, "batch", plan, " team 3 1 100 20 - 0 -"));
      assertEquals(without, commands(wire, "alone", plan, " team = 7aa711e5"));
    }
  }

  /** However many it has, and for the request that asks and the lease that ends together. */
  @Test
  void budgets_cost_a_call_one_read_and_one_write() {
    try (FaultyRedis redis = FaultyRedis.start();
        ScriptConnection wire = new ScriptConnection(redis.url())) {
      String dollars = "team usd/month=900000000000000";
      Map<String, Long> with = new HashMap<>(named(wire, "without", ""));
      with.merge("hmget", (long) CALLS, Long::sum);
      with.merge("hset", (long) CALLS, Long::sum);
      assertEquals(with, named(wire, "one", dollars));
      assertEquals(with, named(wire, "two", dollars + " tokens/rolling-day=900000000"));
    }
  }

  /** Calls by name, of calls that end a lease and begin another. */
  private static Map<String, Long> named(ScriptConnection wire, String pool, String budgets) {
    RedisKeys names = new RedisKeys("cost", pool);
    byte[][] keys = {names.state, names.win, names.leases, names.due, names.later, names.budgets};
    long micros = 1_790_000_000_000_000L;
    List<KeyPlan> team = List.of(new KeyPlan("team", "team", 1, 1, 0));
    PoolPlan plan = Pools.plan(pool, Duration.ofMinutes(1), team, new Limits(1_000_000, 0, 0, 0));
    call(wire, names, new Step.Configure(0, 7, plan), micros);
    boolean none = budgets.isEmpty();
    for (int n = 0; n < CALLS + 2; n++) {
      if (n == 2) {
        wire.redis().configResetstat();
      }
      micros += 100;
      String line = "7 0 " + micros + " 3600000 1 1 " + (none ? 0 : 1) + " 1 5 5 10 10 -";
      List<Object> args = new ArrayList<>(List.of(line + (none ? "" : " 20 10 20")));
      args.addAll(List.of("l" + n, "l" + (n + 1), "team team/" + Pools.CLASS));
      args.addAll(none ? List.of() : List.of(budgets, budgets));
      List<Object> reply = wire.call(ScriptFile.ACQUIRE_NAMED, keys, args.toArray());
      assertEquals(List.of(n == 0 ? -3L : 0L, 1L), reply.subList(2, 4));
    }
    return calls(wire);
  }

  /** A report moves a lease's deadline only when a quarter of its time has passed. */
  @Test
  void the_reports_of_many_streams_are_few_commands() {
    try (FaultyRedis redis = FaultyRedis.start();
        ScriptConnection wire = new ScriptConnection(redis.url())) {
      RedisKeys names = new RedisKeys("cost", "reports");
      long micros = 1_790_000_000_000_000L;
      Limits limits = new Limits(0, 0, 10_000_000, 0);
      PoolPlan plan = Pools.plan("reports", Duration.ofMinutes(1), 1, limits);
      call(wire, names, new Step.Configure(0, 7, plan), micros);
      List<String> fields = List.of("k:key0", "g:account0/model");
      int streams = 96;
      for (int n = 0; n < streams; n++) {
        Wish wish = new Wish("l" + n, 10, 1_000, 500, "");
        call(wire, names, new Step.Acquire(List.of(wish), 7, 30_000, fields), micros);
      }
      wire.redis().configResetstat();
      int calls = 14; // 28 s
      for (int n = 1; n <= calls; n++) {
        micros += 2_000_000;
        List<HeldLease> held = new ArrayList<>();
        for (int of = 0; of < streams; of++) {
          held.add(HeldLease.of(new HeldLease.Report("l" + of, 50L * n, 500, 400)));
        }
        List<Object> reply = call(wire, names, new Step.Renew(30_000, held), micros);
        assertEquals(Collections.nCopies(streams, 1L), reply.subList(2, 2 + streams));
      }
      Map<String, Cost> costs = costs(wire);
      System.out.printf("Cost of %d reports a call: %s, %s%n", streams, costs.get("fcall"), costs);
      assertEquals(3, costs.getOrDefault("zadd", new Cost(0, 0)).calls(), "at 8, 16 and 24 s");
      assertTrue(inside(costs) <= 12L * calls, costs.toString());
    }
  }

  /** The organisation's record is read and written with the others. */
  @Test
  void workspaces_cost_a_call_no_command() {
    try (FaultyRedis redis = FaultyRedis.start();
        ScriptConnection wire = new ScriptConnection(redis.url())) {
      PoolPlan plain = DayPool.plan(4, 0, 0);
      List<KeyPlan> keys =
          plain.keys().stream().map(k -> new KeyPlan(k.id(), "o/" + k.account(), 0, 1, 0)).toList();
      PoolPlan parts = Pools.plan("parts", Duration.ofMinutes(1), keys, Limits.UNKNOWN);
      Map<String, Long> without = commands(wire, "without", plain, "");
      Map<String, Long> with = commands(wire, "parts", parts, "");
      assertEquals(without.keySet(), with.keySet());
      without.forEach(
          (name, calls) -> // a slot of the organisation closes, too
          assertEquals((double) calls, (double) count(with, name), CALLS / 100.0, name));
    }
  }

  private static long count(Map<String, Long> calls, String... names) {
    return Stream.of(names).mapToLong(name -> calls.getOrDefault(name, 0L)).sum();
  }

  /** By name, of acquires and settles within one slot. */
  private static Map<String, Long> commands(
      ScriptConnection wire, String pool, PoolPlan plan, String share) {
    RedisKeys names = new RedisKeys("cost", pool);
    List<String> fields = new ArrayList<>();
    plan.keys().forEach(k -> fields.addAll(List.of("k:" + k.id(), "g:" + k.account() + "/model")));
    List<Step> steps = new ArrayList<>();
    for (int n = 0; n < CALLS + 1; n++) {
      steps.add(Step.acquire("l" + n, 7, 10, 10, 3_600_000, fields));
      steps.add(Step.settle("l" + n, 5, 5));
    }
    long micros = 1_790_000_000_000_000L;
    call(wire, names, new Step.Configure(0, 7, plan), micros);
    for (Step step : steps) {
      if (step.equals(steps.get(2))) {
        wire.redis().configResetstat();
      }
      micros += 100;
      List<Object> args = new ArrayList<>(step.args(new Clock(micros, 0)));
      if (step.script() == ScriptFile.ACQUIRE) {
        args.set(0, args.getFirst() + share);
      }
      assertEquals(1L, wire.call(step.script(), step.keys(names), args.toArray()).getFirst());
    }
    return calls(wire);
  }

  private static Map<String, Long> calls(ScriptConnection wire) {
    Map<String, Long> calls = new HashMap<>();
    costs(wire).forEach((name, cost) -> calls.put(name, cost.calls()));
    calls.keySet().removeAll(List.of("info", "config|resetstat"));
    return calls;
  }

  /** A full pool; all its requests have different sizes. */
  @Test
  void a_search_among_sizes_that_differ_reads_few_windows() {
    int keys = 100;
    try (FaultyRedis redis = FaultyRedis.start();
        ScriptConnection wire = new ScriptConnection(redis.url())) {
      Map<String, Limits> limits = new HashMap<>();
      for (int n = 0; n < keys; n++) {
        limits.put("a" + n + "/model", new Limits(0, 100_000, 20_000, 0));
      }
      Picks picks = new Picks(wire, Strategy.LEAST_LOADED, Picks.keys(keys, 0, 1), limits);
      Random random = new Random(1);
      double pause = 60e6 / (1.5 * keys * 10); // half more than fit
      int calls = 3_000; // two windows
      int granted = 0;
      for (int n = 0; n < calls; n++) {
        if (n == calls / 2) {
          wire.redis().configResetstat();
          granted = 0;
        }
        picks.pass(Math.round(part(random) * pause));
        long input = Math.min(60_000, 1 + Math.round(part(random) * 10_000));
        long output = Math.min(10_000, 1 + Math.round(part(random) * 1_000));
        granted += picks.isGranted(input, output) ? 1 : 0;
      }
      Map<String, Cost> costs = costs(wire);
      Cost script = costs.getOrDefault("fcall", new Cost(0, 1));
      double reads = (double) costs.getOrDefault("hget", new Cost(0, 0)).calls() / script.calls();
      System.out.printf(
          "Cost with %d keys that are used up by sizes that differ: %.1f us, %.1f reads a call,"
              + " %d of %d granted%n",
          keys, (double) script.micros() / script.calls(), reads, granted, calls - calls / 2);
      assertTrue(reads <= 65, reads + " reads a call"); // 112 if each key were checked
    }
  }

  /** Its keys share the limits, so they are parked and made ready together. */
  @ParameterizedTest
  @EnumSource(Strategy.class)
  void an_account_that_is_used_up_costs_the_same_with_any_number_of_keys(Strategy strategy) {
    try (FaultyRedis redis = FaultyRedis.start();
        ScriptConnection wire = new ScriptConnection(redis.url())) {
      Round few = usedUp(wire, strategy, 10);
      Round many = usedUp(wire, strategy, 4_000);
      System.out.printf(
          "Cost of a settle and an acquire, %s, used up: 10 keys %s, 4,000 keys %s%n",
          strategy, few, many);
      assertEquals(2, many.calls());
      assertTrue(many.commands() <= 2 * few.commands(), many + " against " + few);
    }
  }

  /** What a settle and the next acquire cost. */
  private record Round(double calls, double commands, double micros) {}

  private static Round usedUp(ScriptConnection wire, Strategy strategy, int keys) {
    List<KeyPlan> all =
        IntStream.range(0, keys).mapToObj(n -> new KeyPlan("k" + n, "one", 0, 1, 0)).toList();
    Limits limits = new Limits(100, 100_000, 100_000, 100_000);
    Picks picks = new Picks(wire, strategy, all, Map.of("one/model", limits));
    List<Picks.Pick> held = new ArrayList<>();
    for (int n = 0; n < 400; n++) {
      picks.pass(300_000);
      picks.wish(1, null).stream().filter(pick -> !pick.key().isEmpty()).forEach(held::add);
    }
    int rounds = 40;
    Collections.reverse(held);
    for (int n = 0; n < 2 * rounds; n++) {
      if (n == rounds) { // before that the records are read
        wire.redis().configResetstat();
      }
      picks.end(held.get(n));
      assertTrue(picks.wish(1, null).getFirst().key().isEmpty());
    }
    Map<String, Cost> costs = costs(wire);
    Cost script = costs.getOrDefault("fcall", new Cost(0, 0));
    return new Round(
        (double) script.calls() / rounds,
        (double) inside(costs) / rounds,
        (double) script.micros() / rounds);
  }

  private static long inside(Map<String, Cost> costs) {
    return costs.entrySet().stream()
        .filter(e -> !List.of("fcall", "info", "config|resetstat").contains(e.getKey()))
        .mapToLong(e -> e.getValue().calls())
        .sum();
  }

  /** Exponential, 1 in the mean. */
  private static double part(Random random) {
    return -Math.log(1 - random.nextDouble());
  }

  private static String report(
      ScriptConnection wire, RedisKeys names, List<Step> steps, long micros, int most) {
    wire.redis().configResetstat();
    run(wire, names, steps, micros);
    Map<String, Cost> costs = costs(wire);
    Cost script = costs.getOrDefault("fcall", new Cost(0, 0));
    assertEquals(steps.size(), script.calls());
    double commands = (double) inside(costs) / steps.size();
    assertTrue(commands <= most, commands + " commands a call: " + costs);
    return String.format(
        "%.1f us, %.1f commands", (double) script.micros() / script.calls(), commands);
  }

  private static long run(ScriptConnection wire, RedisKeys names, List<Step> steps, long from) {
    long micros = from;
    for (Step step : steps) {
      micros += 100;
      assertEquals(1L, call(wire, names, step, micros).getFirst());
    }
    return micros;
  }

  private static List<Object> call(ScriptConnection wire, RedisKeys names, Step step, long micros) {
    return wire.call(step, names, new Clock(micros, 0));
  }

  private static Map<String, Cost> costs(ScriptConnection wire) {
    Map<String, Cost> costs = new HashMap<>();
    wire.redis()
        .info("commandstats")
        .lines()
        .map(STAT::matcher)
        .filter(Matcher::matches)
        .forEach(
            m ->
                costs.put(
                    m.group(1), new Cost(Long.parseLong(m.group(2)), Long.parseLong(m.group(3)))));
    return costs;
  }
}
