package relay.redis.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import relay.redis.PoolParts;
import relay.redis.Pools;
import relay.redis.RedisUnderTest;
import relay.redis.model.Accounting;
import relay.redis.model.Acquisition;
import relay.redis.model.KeyPlan;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;
import relay.redis.script.Candidates;
import relay.redis.script.PoolScripts;
import relay.redis.script.Reply;
import relay.redis.script.ScriptCaller;

/** Calls for several keys, of which a change of the plan takes one while they are on their way. */
final class AcquireCallsTest {
  private static final String NAME = Pools.name("calls");

  private final PoolParts parts =
      new PoolParts(RedisUnderTest.url(), plan("here", "gone"), () -> 1);
  private final PoolScripts scripts = parts.scripts;

  private static PoolPlan plan(String... keys) {
    return new PoolPlan(
        NAME,
        Duration.ofMinutes(1),
        Strategy.ROUND_ROBIN,
        Accounting.SLIDING_WINDOW,
        1,
        List.of(Pools.CLASS),
        List.of(keys).stream().map(key -> new KeyPlan(key, key, 0, 1, 0)).toList(),
        Map.of(),
        true);
  }

  @BeforeEach
  void connect() {
    parts.start();
  }

  @AfterEach
  void disconnect() {
    parts.close();
  }

  private static AcquireCalls.Request on(String key) {
    return new AcquireCalls.Request("of " + key, Pools.one().on(key));
  }

  private ScriptCaller.Call call(Candidates before, List<AcquireCalls.Request> requests) {
    return parts.acquires.call(before, requests.getFirst().demand(), requests, List.of());
  }

  @Test
  void a_request_whose_key_goes_before_its_call_is_refused_alone() {
    Candidates before = scripts.candidates();
    scripts.plans().reconfigure(plan("here")).join();
    AcquireCalls.Request gone = on("gone");
    AcquireCalls.Request here = on("here");
    List<AcquireCalls.Request> both = new ArrayList<>(List.of(gone, here));
    ScriptCaller.Call call = call(before, both);
    assertEquals(List.of(here), both);
    assertEquals("here here/" + Pools.CLASS, ScriptCaller.text(call.args().getLast()));
    assertEquals(new Reply.Refusal(new Acquisition.NoneUsable()), gone.reply().join());
    assertFalse(here.reply().isDone());
  }

  @Test
  void a_call_whose_only_key_has_gone_is_made_by_the_plan_before() {
    Candidates before = scripts.candidates();
    scripts.plans().reconfigure(plan("here")).join();
    ScriptCaller.Call call = call(before, new ArrayList<>(List.of(on("gone"))));
    assertEquals("gone gone/" + Pools.CLASS, ScriptCaller.text(call.args().getLast()));
  }

  @Test
  void a_call_that_cannot_be_made_fails_for_those_who_wait_for_it() {
    CompletableFuture<List<Object>> call =
        scripts.callConfigured(() -> Objects.requireNonNull(null), raw -> raw);
    assertTrue(call.isCompletedExceptionally());
  }
}
