package relay.redis.script;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static relay.redis.PlannedFleet.SOON;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.KeyPool;
import relay.redis.PlannedFleet;
import relay.redis.RedisEngine;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;

/** Replicas tell each other of themselves by heartbeats. */
final class IntroductionsTest {
  private final PlannedFleet fleet = new PlannedFleet();
  private final Introductions own = new Introductions();

  @AfterEach
  void close() {
    fleet.close();
  }

  private RedisEngine member(String id) {
    RedisEngine engine = fleet.engine(id);
    engine.pool(fleet.plan(10, "a"));
    return engine;
  }

  @Test
  void each_sees_what_the_others_say_of_themselves_until_they_leave() {
    RedisEngine first = member("r1");
    RedisEngine second = member("r2");
    first.introduce(() -> "pod-1 1.0");
    second.introduce(() -> "pöd-2\n" + "x".repeat(300));
    member("r3"); // of the version before: says nothing
    String cut = "p?d-2?" + "x".repeat(194);
    Map<String, String> all = Map.of("r1", "pod-1 1.0", "r2", cut, "r3", "");
    Await.until("the first sees all", SOON, () -> first.introductions().equals(all));
    Await.until("so does the second", SOON, () -> second.introductions().equals(all));
    first.introduce(() -> "pod-1 1.1");
    Map<String, String> changed = Map.of("r1", "pod-1 1.1", "r2", cut, "r3", "");
    Await.until("what is new", SOON, () -> second.introductions().equals(changed));
    second.close();
    Map<String, String> left = Map.of("r1", "pod-1 1.1", "r3", "");
    Await.until("who left is gone", SOON, () -> first.introductions().equals(left));
  }

  @Test
  void an_observer_sees_them_with_a_snapshot() {
    RedisEngine first = member("r1");
    first.introduce(() -> "pod-1 1.0");
    KeyPool observed = fleet.engine("").pool(fleet.plan(10, "a"));
    Await.until("it told", SOON, () -> first.introductions().containsValue("pod-1 1.0"));
    RedisEngine observer = fleet.engine("");
    observer.pool(fleet.plan(10, "a")).snapshot().join();
    assertEquals(Map.of("r1", "pod-1 1.0"), observer.introductions());
    assertEquals(1, observed.snapshot().join().replicas());
  }

  @Test
  void words_travel_with_each_fifth_heartbeat() {
    own.own(() -> "me");
    assertEquals(" me", own.due("a", 0));
    assertEquals(" me", own.due("b", 0));
    assertEquals("", own.due("a", 2_000_000_000L));
    assertEquals(" me", own.due("a", 2_500_000_000L));
    own.heard("a", "r ".repeat(100).strip(), 0);
    assertEquals("", own.due("a", 7_000_000_000L), "many tell it less often");
    assertEquals(" me", own.due("a", 7_500_000_000L));
  }

  @Test
  void a_pool_that_is_cut_off_alone_keeps_nobody_alive() {
    own.heard("a", "r1 r2\nr1 one\nr2 two", 0);
    own.heard("b", "r1\nr1 new", 0);
    assertEquals(Map.of("r1", "new", "r2", "two"), own.all());
    own.heard("b", "r1", 6_000_000_000L);
    assertEquals(Map.of("r1", "new"), own.all());
    own.forget("b");
    assertEquals(Map.of("r1", "one", "r2", "two"), own.all());
  }

  /** A heartbeat that tells words, and what its reply says of the replicas. */
  private String beat(String replica, String standing) {
    Step survey = new Step.Survey(replica, 0, List.of(), List.of(), List.of());
    List<Object> args = survey.args(Clock.OF_REDIS);
    args.set(4, standing);
    List<Object> reply =
        fleet.wire().call(survey.script(), survey.keys(fleet.keys()), args.toArray());
    return ((List<?>) reply.get(7)).get(5).toString();
  }

  /** The first ones of more replicas stay, so that a list of them does not jump. */
  @Test
  void a_crowd_is_bounded_and_so_is_a_line() {
    member("r1").find(fleet.name()).orElseThrow().configure().join();
    for (int n = 100; n < 310; n++) {
      beat("p" + n, "7 hash 1 words of " + n);
    }
    List<String> lines = beat("", "-").lines().toList();
    assertEquals(1 + 200, lines.size());
    assertEquals("p100 words of 100", lines.get(1));
    assertEquals(211, lines.getFirst().split(" ").length);
    List<String> again = beat("p100", "7 hash 1 news").lines().toList();
    assertEquals("p100 news", again.get(1));
    assertEquals(lines.subList(2, 201), again.subList(2, 201));
    assertEquals(1, beat("p101", "7 hash 1").lines().count(), "who tells nothing hears nothing");
    for (String bad : List.of("7 hash 1 " + "x".repeat(201), "7 hash 1 two\nlines", "7 hash")) {
      assertThrows(RuntimeException.class, () -> beat("p1", bad), bad);
    }
  }
}
