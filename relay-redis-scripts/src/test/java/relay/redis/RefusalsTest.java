package relay.redis;

import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.Refusals.Event;
import relay.redis.Refusals.Scope;
import relay.redis.library.ScriptFile;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.script.RedisKeys;

/** The evidence of refusals and refused models, by their scripts and as two replicas see them. */
@Tag("slow")
final class RefusalsTest {
  private static final String GROUP = "acme/opus";

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final String base = Pools.name("refusals") + ":";
  private final byte[] refused = RedisKeys.bytes(base + "refused");
  private final byte[] evidence = RedisKeys.bytes(base + "evidence:" + GROUP);
  private long nowMs = 1_000_000_000;

  @AfterEach
  void close() {
    wire.redis().del(refused, evidence);
    wire.close();
  }

  private static String field(String model, String client) {
    return GROUP + "\t0\t" + model + "\t" + client;
  }

  private long refuse(String field, long coolMs) {
    List<Object> reply =
        wire.call(ScriptFile.REFUSE, new byte[][] {refused}, nowMs * 1000, field, coolMs);
    assertEquals(1L, reply.getFirst());
    return (Long) reply.get(1);
  }

  /** Tells an event, and returns what was known before. */
  private List<String> tell(String what, String model, String client, Object age) {
    List<Object> args = new ArrayList<>(List.of(nowMs * 1000, 0, 1));
    Collections.addAll(args, what, model, client, age);
    List<Object> reply =
        wire.call(ScriptFile.EVIDENCE, new byte[][] {refused, evidence}, args.toArray());
    List<String> told = new ArrayList<>();
    int end = 3 + ((Long) reply.get(2)).intValue();
    for (int n = 3; n < end; n += 4) {
      told.add(reply.subList(n, n + 4).stream().map(String::valueOf).collect(joining(" ")));
    }
    return told;
  }

  private List<Object> refusedNow(long version) {
    List<Object> reply =
        wire.call(ScriptFile.EVIDENCE, new byte[][] {refused}, nowMs * 1000, version, 0);
    return reply.subList(3, reply.size());
  }

  @Test
  void a_refused_model_comes_back_after_a_time_that_doubles_up_to_a_minute() {
    List<Long> times = new ArrayList<>();
    for (int n = 0; n < 8; n++) {
      long left = refuse(field("m", ""), 0);
      times.add(left);
      nowMs += left;
    }
    assertEquals(
        List.of(1_000L, 2_000L, 4_000L, 8_000L, 16_000L, 32_000L, 60_000L, 60_000L), times);
    assertEquals(30_000, refuse(field("m", ""), 30_000), "the provider's own time");
    assertTrue(wire.redis().pttl(refused) > 0);
  }

  @Test
  void refusals_of_requests_under_way_do_not_count_in_a_row() {
    assertEquals(1_000, refuse(field("m", ""), 0));
    nowMs += 100;
    assertEquals(900, refuse(field("m", ""), 0));
    nowMs += 900;
    assertEquals(2_000, refuse(field("m", ""), 0));
  }

  @Test
  void who_is_served_after_its_time_begins_anew() {
    refuse(field("m", ""), 0);
    refuse(field("other", ""), 0);
    nowMs += 1_500;
    tell(Refusals.SERVED, "m", "c", 600); // before its time was over
    assertEquals(2_000, refuse(field("m", ""), 0));
    nowMs += 2_500;
    tell(Refusals.SERVED, "m", "c", 100);
    assertEquals(1_000, refuse(field("m", ""), 0));
    assertEquals(2_000, refuse(field("other", ""), 0));
  }

  @Test
  void what_is_refused_is_told_when_its_version_is_another() {
    refuse(field("m", ""), 0);
    refuse(field("m", "c"), 5_000);
    long version =
        Long.parseLong(
            ScriptConnection.text(wire.redis().hget(refused, RedisKeys.bytes("version"))));
    assertEquals(List.of(), refusedNow(version));
    nowMs += 2_000;
    assertEquals(List.of(field("m", "c"), 3_000L), refusedNow(0));
  }

  @Test
  void what_is_refused_is_bounded_and_what_is_over_makes_room() {
    for (int n = 0; n < 256; n++) {
      assertEquals(1_000, refuse(field("m" + n, ""), 0));
    }
    assertEquals(0, refuse(field("more", ""), 0));
    nowMs += 2_000;
    assertEquals(1_000, refuse(field("more", ""), 0));
    assertTrue(wire.redis().hlen(refused) <= 3);
  }

  @Test
  void evidence_is_told_with_its_age_and_can_be_taken_back() {
    assertEquals(List.of(), tell("rate", "m", "x", 0));
    nowMs += 10;
    assertEquals(List.of("rate m x 10"), tell("served", "n", "by", 500));
    nowMs += 10;
    assertEquals(
        List.of("rate m x 20", "served n by 510"),
        tell("rate", "m", "x", "-").stream().sorted().toList());
    assertEquals(List.of("served n by 510"), tell("rate", "m", "y", "-"));
    assertTrue(wire.redis().pttl(evidence) > 0);
  }

  @Test
  void late_news_does_not_make_an_event_older() {
    tell("served", "m", "c", 0);
    nowMs += 1_000;
    tell("served", "m", "c", 5_000);
    assertEquals(List.of("served m c 1000"), tell("x", "m", "c", "-"));
  }

  /** Many models of one client leave room for another's. */
  @Test
  void evidence_is_bounded_and_no_client_takes_all_room() {
    tell("served", "m", "by", 0);
    for (int n = 0; n < 100; n++) {
      nowMs += 1;
      tell("served", "n" + n, "x", 0);
      tell("what" + n, "m", "x", 0);
    }
    for (int n = 0; n < 5; n++) {
      tell("served", "m", "c" + n, 0);
    }
    List<String> served =
        tell("x", "m", "x", "-").stream().filter(one -> one.startsWith("served ")).toList();
    assertEquals(16, served.size());
    assertEquals(2, served.stream().filter(one -> one.startsWith("served m ")).count());
    assertEquals(64, wire.redis().hlen(evidence));
  }

  @Test
  void another_clients_event_stays_beside_one_clients_models() {
    tell("served", "m", "by", 0);
    for (int n = 0; n < 100; n++) {
      nowMs += 1;
      tell("served", "n" + n, "x", 0);
    }
    assertTrue(tell("x", "m", "x", "-").contains("served m by 100"));
  }

  @Test
  void replicas_know_what_others_served_and_what_is_refused() {
    String pool = Pools.name("refusals");
    try (RedisEngine a = RedisEngine.start(options("a"));
        RedisEngine b = RedisEngine.start(options("b"))) {
      Refusals mine = a.refusals(pool);
      Refusals theirs = b.refusals(pool);
      theirs.served(GROUP, "n", "by");
      Await.until(
          "the news",
          () -> names(mine.refused(GROUP, "rate", "m", "x").join()).contains("served n by"));
      assertEquals(Map.of(), mine.refusing("m", 10, "x"));
      mine.refuse(Scope.ofModel(GROUP, "m").from(10), Duration.ofMinutes(1)).join();
      mine.refuse(Scope.ofModel("other/opus", "m").of("y"), Duration.ofMinutes(1)).join();
      Await.until("it is known", () -> !theirs.refusing("m", 10, "x").isEmpty());
      for (Refusals one : List.of(mine, theirs)) {
        assertEquals(1, one.refusing("m", 10, "x").size());
        assertEquals(2, one.refusing("m", 10, "y").size());
        assertEquals(Map.of(), one.refusing("m", 9, "x"));
        assertEquals(Map.of(), one.refusing("n", 10, "x"));
        assertTrue(one.refusing("m", 10, "x").getOrDefault(GROUP, Duration.ZERO).toSeconds() > 40);
      }
    }
  }

  private static List<String> names(List<Event> events) {
    return events.stream().map(e -> String.join(" ", e.what(), e.model(), e.client())).toList();
  }

  private static EngineOptions options(String name) {
    return Pools.options(RedisUnderTest.url(), name, Fallback.CLOSED);
  }
}
