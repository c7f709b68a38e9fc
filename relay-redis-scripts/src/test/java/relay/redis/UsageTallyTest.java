package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.UsageTally.Standing;
import relay.redis.library.ScriptFile;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.Usage;
import relay.redis.script.RedisKeys;

/** Clients' usage, counted by several replicas, over a Redis that fails and returns. */
@Tag("slow")
final class UsageTallyTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final Usage ONE = new Usage(1, 100, 10);

  private FaultyRedis redis;
  private final List<RedisEngine> engines = new ArrayList<>();

  @BeforeEach
  void start() {
    redis = FaultyRedis.start();
  }

  @AfterEach
  void stop() {
    redis.close(); // first, while no call is pending
    engines.forEach(RedisEngine::close);
  }

  private RedisEngine engine(String replica, Duration timeout, Duration lease) {
    RedisEngine engine =
        RedisEngine.start(
            new EngineOptions(redis.url(), "test", replica, timeout, Fallback.OPEN, lease));
    engines.add(engine);
    return engine;
  }

  private UsageTally tally(String replica) {
    return engine(replica, SOON, EngineOptions.DEFAULT_LEASE).tally("@clients", List.of("a", "b"));
  }

  private static Standing of(UsageTally tally, String client) {
    return Objects.requireNonNull(tally.standings().join().get(client));
  }

  private static void request(UsageTally tally, String client) {
    tally.began(client);
    tally.ended(client, ONE);
  }

  @Test
  void replicas_count_together() {
    UsageTally one = tally("r1");
    UsageTally two = tally("r2");
    one.began("a");
    request(one, "a");
    request(two, "a");
    two.began("a");
    two.began("a");
    two.began("b");
    one.began("nobody that is counted");
    assertEquals(new Standing(new Usage(1, 100, 10), 1), of(one, "a"), "its own at once");
    Standing expected = new Standing(new Usage(2, 200, 20), 3);
    Await.until("the other's", SOON, () -> of(one, "a").equals(expected));
    assertEquals(Map.of("a", expected, "b", new Standing(Usage.NONE, 1)), one.standings().join());
    two.ended("a", ONE);
    two.ended("a", Usage.NONE); // nothing was sent
    one.ended("a", ONE);
    Standing after = new Standing(new Usage(4, 400, 40), 0);
    Await.until("all have ended", SOON, () -> of(one, "a").equals(after));
    assertEquals(after, of(two, "a"));
  }

  @Test
  void nothing_is_sent_without_changes() {
    UsageTally tally = tally("r1");
    request(tally, "a");
    try (ScriptConnection wire = new ScriptConnection(redis.url())) {
      Await.until("it is told", SOON, () -> !wire.names("test:{@clients}:used").isEmpty());
      wire.redis()
          .del(wire.names("test:{@clients}").stream().map(RedisKeys::bytes).toArray(byte[][]::new));
      tally.tick();
      tally.tick();
      assertEquals(
          Map.of("a", new Standing(Usage.NONE, 0), "b", new Standing(Usage.NONE, 0)),
          tally.standings().join());
      assertEquals(List.of(), wire.names("test:{@clients}"));
    }
  }

  @Test
  void a_replica_that_stops_leaves_its_usage_and_nothing_in_flight() {
    RedisEngine stopping = engine("r1", SOON, EngineOptions.DEFAULT_LEASE);
    UsageTally one = stopping.tally("@clients", List.of("a", "b"));
    UsageTally two = tally("r2");
    one.began("a");
    request(one, "a");
    Await.until("it is told", SOON, () -> of(two, "a").inFlight() == 1);
    one.ended("a", ONE);
    stopping.close();
    engines.remove(stopping);
    assertEquals(new Standing(new Usage(2, 200, 20), 0), of(two, "a"));
  }

  @Test
  void a_dead_replicas_requests_in_flight_expire_with_its_leases() {
    UsageTally living = tally("r2");
    living.began("a");
    RedisKeys names = new RedisKeys("test", "@clients");
    List<byte[]> keys = new ArrayList<>(List.of(names.counting, names.running("dead")));
    keys.addAll(List.of(names.used(UsageTally.SLOTS)));
    try (ScriptConnection wire = new ScriptConnection(redis.url())) {
      Object[] args = {"-", "dead", 2_000, "a", 1, 1, 1, 5};
      wire.call(ScriptFile.TALLY, keys.toArray(byte[][]::new), args);
    }
    assertEquals(6, of(living, "a").inFlight());
    Await.until("it is forgotten", SOON, () -> of(living, "a").inFlight() == 1);
    assertEquals(1, of(living, "a").used().requests(), "which really was used");
  }

  @Test
  void a_live_replica_resends_its_requests_in_flight() {
    UsageTally tally =
        engine("r1", SOON, Duration.ofSeconds(3)).tally("@clients", List.of("a", "b"));
    tally.began("a");
    assertEquals(1, of(tally, "a").inFlight());
    try (ScriptConnection wire = new ScriptConnection(redis.url())) {
      wire.redis().flushall();
    }
    Await.until("it is told again", SOON, () -> of(tally, "a").inFlight() == 1);
  }

  @Test
  void usage_during_an_outage_is_counted_after_it() {
    RedisEngine engine = engine("r1", Duration.ofMillis(500), EngineOptions.DEFAULT_LEASE);
    UsageTally tally = engine.tally("@clients", List.of("a", "b"));
    request(tally, "a");
    assertEquals(1, of(tally, "a").used().requests());
    redis.kill();
    Await.until("the link is down", SOON, () -> !engine.isUp());
    request(tally, "a");
    tally.began("b");
    assertThrows(CompletionException.class, () -> tally.standings().join());
    redis.startAgain();
    Await.until("the link is up", SOON, engine::isUp);
    assertEquals(
        Map.of("a", new Standing(ONE, 0), "b", new Standing(Usage.NONE, 1)),
        tally.standings().join(),
        "the new Redis knows what the old one was not told");
  }

  @Test
  void without_redis_the_usage_is_as_it_was_last_read() {
    RedisEngine engine = engine("r1", Duration.ofMillis(500), EngineOptions.DEFAULT_LEASE);
    UsageTally tally = engine.tally("@clients", List.of("a"));
    UsageTally unread = engine.tally("@others", List.of("a"));
    request(tally, "a");
    Map<String, Standing> known = Map.of("a", new Standing(ONE, 0));
    assertEquals(new UsageTally.Known(known, Duration.ZERO), tally.known().join());
    redis.kill();
    Await.until("the link is down", SOON, () -> !engine.isUp());
    request(tally, "a");
    assertEquals(known, tally.known().join().standings());
    assertTrue(tally.known().join().age().isPositive());
    assertEquals(Map.of(), unread.known().join().standings());
    assertTrue(unread.known().join().age().isPositive());
  }

  @Test
  void increments_with_unknown_outcome_are_not_resent() {
    RedisEngine engine = engine("r1", Duration.ofMillis(500), EngineOptions.DEFAULT_LEASE);
    UsageTally tally = engine.tally("@clients", List.of("a", "b"));
    assertEquals(new Standing(Usage.NONE, 0), of(tally, "a"));
    redis.freeze();
    request(tally, "a");
    tally.began("b");
    assertThrows(CompletionException.class, () -> tally.standings().join());
    redis.thaw();
    Await.until("the link is up", SOON, engine::isUp);
    Await.until("it answers", SOON, () -> answers(tally));
    Standing a = of(tally, "a");
    assertTrue(a.used().requests() <= 1, "counted twice: " + a);
    assertEquals(1, of(tally, "b").inFlight(), "which can be told twice");
    request(tally, "a");
    assertEquals(a.used().requests() + 1, of(tally, "a").used().requests());
  }

  private static boolean answers(UsageTally tally) {
    try {
      var _ = tally.standings().join();
      return true;
    } catch (CompletionException e) {
      return false;
    }
  }

  @Test
  void ten_thousand_clients_are_written_and_read_in_batches() {
    List<String> clients = IntStream.range(0, 10_000).mapToObj(n -> "client-" + n).toList();
    UsageTally tally = engine("r1", SOON, EngineOptions.DEFAULT_LEASE).tally("@many", clients);
    clients.forEach(client -> request(tally, client));
    clients.forEach(tally::began);
    Map<String, Standing> all = tally.standings().join();
    assertEquals(10_000, all.size());
    all.forEach((client, standing) -> assertEquals(new Standing(ONE, 1), standing, client));
    try (ScriptConnection wire = new ScriptConnection(redis.url())) {
      String cost = wire.info("commandstats", "cmdstat_fcall");
      System.out.printf("10,000 clients told once and asked for: %s%n", cost);
      int calls = Integer.parseInt(cost.replaceAll("calls=(\\d+),.*", "$1"));
      // a call writes a hundred clients or reads fifty; more than a second may pass
      assertTrue(calls >= 300 && calls < 400, cost);
    }
  }

  @RepeatedTest(5) // detects in three of five runs that a call names a client twice
  void threads_lose_no_counts() {
    UsageTally tally = tally("r1");
    List<Thread> threads =
        IntStream.range(0, 8)
            .mapToObj(
                n ->
                    Thread.ofVirtual()
                        .start(
                            () -> {
                              for (int k = 0; k < 5_000; k++) {
                                request(tally, "a");
                              }
                            }))
            .toList();
    Await.until(
        "they have ended while it is told",
        SOON,
        () -> tally.standings().join().size() == 2 && threads.stream().noneMatch(Thread::isAlive));
    assertEquals(new Standing(new Usage(40_000, 4_000_000, 400_000), 0), of(tally, "a"));
  }
}
