package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import relay.guards.CostBound;
import relay.redis.library.ScriptFile;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Share;
import relay.redis.model.Strategy;
import relay.redis.script.RedisKeys;
import relay.redis.walk.CallLine;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;
import relay.redis.walk.StepKeys;
import relay.redis.walk.Wish;

/**
 * What a request costs Redis, in instructions: a change that costs a twentieth fails. Runs with
 * {@code -Drelay.valgrind=PATH}.
 */
final class InstructionsRun {
  private static final int WARM = 200; // calls, until what is kept of records is there
  private static final int CALLS = 1_000;
  private static final long MICROS = 1_000; // between two calls

  private static CountedRedis redis;
  private static ScriptConnection wire;

  private long micros = 1_790_000_000_000_000L;

  @BeforeAll
  static void start() throws IOException {
    redis = new CountedRedis(Path.of(System.getProperty("relay.valgrind")));
    wire = new ScriptConnection(redis.url());
  }

  @AfterAll
  static void stop() {
    wire.close();
    redis.close();
  }

  private static double each(IntConsumer call) {
    for (int n = 0; n < WARM; n++) {
      call.accept(n);
    }
    long all =
        redis.instructions(
            () -> {
              for (int n = WARM; n < WARM + CALLS; n++) {
                call.accept(n);
              }
            });
    return (double) all / CALLS;
  }

  @Test
  void an_acquire_and_a_settle_of_few_keys() {
    CostBound.INSTRUCTIONS_OF_8_KEYS.hold(pairs(8));
  }

  @Test
  void an_acquire_and_a_settle_by_the_index() {
    CostBound.INSTRUCTIONS_OF_1_000_KEYS.hold(pairs(1_000));
  }

  /** A request and its settle, each in a call of its own. */
  private static double pairs(int keys) {
    List<KeyPlan> all = Picks.keys(keys, 0, 1);
    Limits wide = new Limits(1_000_000, 1_000_000_000, 1_000_000_000, 0);
    Map<String, Limits> limits = new HashMap<>();
    all.forEach(key -> limits.put(PoolPlan.group(key.account(), Pools.CLASS), wide));
    Picks picks = new Picks(wire, Strategy.LEAST_LOADED, all, limits);
    return each(
        n -> {
          picks.pass(MICROS);
          picks.end(picks.wish(1, null).getFirst());
        });
  }

  /** A pool that is short: three clients ask for twice what there is. */
  @Test
  void a_request_in_the_queue() {
    PoolPlan plan = Pools.plan("queue", Duration.ofMinutes(1), 1, new Limits(120, 0, 0, 0));
    RedisKeys names = new RedisKeys("counted", Pools.name("queue"));
    wire.call(new Step.Configure(0, 7, plan), names, new Clock(micros, 0));
    List<Share> clients =
        List.of(new Share("a", 2, 1, 0, 0), new Share("b", 2, 1, 0, 0), new Share("c", 3, 1, 0, 0));
    List<Long> granted = new ArrayList<>();
    CostBound.INSTRUCTIONS_IN_THE_QUEUE.hold(
        each(
            n -> {
              micros += 250_000;
              Wish wish = new Wish("q" + n, 10, 10, -1, "", null);
              Clock clock = new Clock(micros, 0);
              StringBuilder line =
                  new StringBuilder(
                      CallLine.acquire(clock, 7, 30_000, List.of(), "", List.of(wish)));
              clients.get(n % clients.size()).appendOnly(line);
              List<Object> reply =
                  wire.call(
                      ScriptFile.ACQUIRE,
                      StepKeys.leases(names),
                      line.toString(),
                      "key0 account0/model",
                      "q" + n);
              granted.add((Long) reply.get(2));
            }));
    long refused = granted.stream().filter(code -> code < 1).count();
    assertTrue(refused > CALLS / 3, refused + " were refused");
  }

  /** A client's own limits and two budgets: the end of a lease and the next request in one call. */
  @Test
  void limits_and_budgets_of_a_client() {
    RedisKeys names = new RedisKeys("counted", Pools.name("budgets"));
    byte[][] keys = {names.state, names.win, names.leases, names.due, names.later, names.budgets};
    List<KeyPlan> team = List.of(new KeyPlan("team", "team", 1, 1, 0));
    PoolPlan plan = Pools.plan("b", Duration.ofMinutes(1), team, new Limits(1_000_000, 0, 0, 0));
    wire.call(new Step.Configure(0, 7, plan), names, new Clock(micros, 0));
    String budgets = "team usd/month=900000000000000 tokens/rolling-day=900000000";
    CostBound.INSTRUCTIONS_OF_BUDGETS.hold(
        each(
            n -> {
              micros += MICROS;
              List<Object> reply =
                  wire.call(
                      ScriptFile.ACQUIRE_NAMED,
                      keys,
                      "7 0 " + micros + " 3600000 1 1 1 1 5 5 10 10 - 20 10 20",
                      "b" + n,
                      "b" + (n + 1),
                      "team team/" + Pools.CLASS,
                      budgets,
                      budgets);
              assertEquals(1L, reply.get(3));
            }));
  }
}
