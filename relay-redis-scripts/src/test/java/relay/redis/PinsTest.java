package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.guards.Await;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.Demand;
import relay.redis.model.Fallback;
import relay.redis.model.KeyPlan;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.script.RedisKeys;

/** What a request names stays with the account that made it. */
@Tag("slow")
final class PinsTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Limits TWO_REQUESTS = new Limits(2, 0, 0, 0);

  private RedisEngine engine;
  private RedisEngine other;

  @BeforeEach
  void connect() {
    engine = RedisEngine.start(Pools.options(RedisUnderTest.url(), "r", Fallback.CLOSED));
    other = RedisEngine.start(Pools.options(RedisUnderTest.url(), "r2", Fallback.CLOSED));
  }

  @AfterEach
  void close() {
    engine.close();
    other.close();
  }

  private static Demand naming(String... ids) {
    return Pools.one().pinnedTo(hashes(ids));
  }

  private static List<String> hashes(String... ids) {
    return Stream.of(ids).map(Pins::hash).toList();
  }

  private static Lease granted(KeyPool pool, Demand demand) {
    return assertInstanceOf(Granted.class, pool.acquire(demand).join()).lease();
  }

  /** As many keys as a call names, and more than that: then there is an index. */
  @ParameterizedTest
  @ValueSource(ints = {3, 40})
  void a_named_state_gets_its_account_or_waits_for_it(int accounts) {
    PoolPlan plan = Pools.plan(Pools.name("pins"), MINUTE, accounts, TWO_REQUESTS);
    KeyPool pool = engine.pool(plan);
    KeyPool elsewhere = other.pool(plan);
    Pins pins = engine.pins(plan.name());
    Lease made = granted(pool, Pools.one());
    String account = made.group().substring(0, made.group().indexOf('/'));
    pins.pin("client", account, hashes("resp_1", "file-1"), List.of()).join();
    assertEquals(made.group(), granted(elsewhere, naming("resp_1")).group());
    for (int n = 0; n < 2; n++) {
      Exhausted full =
          assertInstanceOf(Exhausted.class, elsewhere.acquire(naming("unknown", "file-1")).join());
      assertEquals(Reason.REQUESTS, full.reason());
      assertTrue(full.retryAfter().compareTo(MINUTE.dividedBy(2)) > 0, full.toString());
      assertTrue(full.retryAfter().compareTo(MINUTE.plusSeconds(1)) < 0, full.toString());
    }
    granted(elsewhere, Pools.one()); // another account has room, and was not taken
    granted(elsewhere, naming("unknown"));
    elsewhere.operator().quarantine(made.key(), "a test").join();
    assertInstanceOf(NoneUsable.class, elsewhere.acquire(naming("resp_1")).join());
  }

  @Test
  void a_large_account_serves_what_it_made_by_any_of_its_keys() {
    List<KeyPlan> keys = new ArrayList<>();
    IntStream.range(0, 30).forEach(n -> keys.add(new KeyPlan("k" + n, "big", 0, 1, 1)));
    IntStream.range(0, 30).forEach(n -> keys.add(new KeyPlan("s" + n, "small" + n, 0, 1, 1)));
    PoolPlan plan = Pools.plan(Pools.name("pins"), MINUTE, keys, Limits.UNKNOWN);
    KeyPool pool = engine.pool(plan);
    engine.pins(plan.name()).pin("client", "big", hashes("file-1"), List.of()).join();
    List<Lease> leases = new ArrayList<>();
    for (int n = 0; n < 30; n++) {
      Lease lease = granted(pool, naming("file-1"));
      assertEquals("big/" + Pools.CLASS, lease.group());
      leases.add(lease);
    }
    assertEquals(30, leases.stream().map(Lease::key).distinct().count());
    Exhausted busy = assertInstanceOf(Exhausted.class, pool.acquire(naming("file-1")).join());
    assertTrue(busy.retryAfter().compareTo(Duration.ofSeconds(2)) < 0, busy.toString());
    leases.getFirst().settle(1, 1);
    assertEquals(
        leases.getFirst().key(),
        assertInstanceOf(Granted.class, pool.acquire(naming("file-1"), MINUTE).join())
            .lease()
            .key());
  }

  @Test
  void an_account_that_has_gone_leaves_its_states_to_any() {
    PoolPlan plan = Pools.plan(Pools.name("pins"), MINUTE, 2, TWO_REQUESTS);
    KeyPool pool = engine.pool(plan);
    engine.pins(plan.name()).pin("client", "gone", hashes("resp_1"), List.of()).join();
    for (int n = 0; n < 4; n++) {
      granted(pool, naming("resp_1"));
    }
    assertInstanceOf(Exhausted.class, pool.acquire(naming("resp_1")).join());
  }

  @Test
  void a_waiting_request_gets_its_account_while_others_pass() {
    PoolPlan plan =
        Pools.plan(
            Pools.name("pins"),
            MINUTE,
            List.of(new KeyPlan("a", "a", 0, 1, 1), new KeyPlan("b", "b", 0, 1, 1)),
            Limits.UNKNOWN);
    KeyPool pool = engine.pool(plan);
    engine.pins(plan.name()).pin("client", "a", hashes("resp_1"), List.of()).join();
    Lease busy = granted(pool, naming("resp_1"));
    var waiting = pool.acquire(naming("resp_1"), MINUTE);
    assertEquals("b", granted(pool, Pools.one()).key());
    assertFalse(waiting.isDone());
    busy.settle(1, 1);
    assertEquals("a", assertInstanceOf(Granted.class, waiting.join()).lease().key());
  }

  @Test
  void a_pick_gets_the_account_too() {
    PoolPlan plan = Pools.plan(Pools.name("pins"), MINUTE, 40, TWO_REQUESTS);
    KeyPool pool = engine.pool(plan);
    pool.snapshot().join();
    engine.pins(plan.name()).pin("client", "account7", hashes("file-1"), List.of()).join();
    for (int n = 0; n < 5; n++) {
      Acquisition picked = pool.pick(naming("file-0", "file-1")).join();
      assertEquals("key7", assertInstanceOf(Granted.class, picked).lease().key());
    }
    assertInstanceOf(Granted.class, pool.pick(naming("file-0")).join());
  }

  @Test
  void the_map_keeps_the_newest_and_for_a_time() {
    String name = Pools.name("pins");
    Pins pins = engine.pins(name);
    List<String> hashes = IntStream.range(0, 400).mapToObj(n -> Pins.hash("file-" + n)).toList();
    for (String hash : hashes) {
      pins.pin("client", "a", List.of(hash), List.of(), 5, Duration.ofSeconds(100), "1000000")
          .join();
    }
    List<String> left = hashes.stream().filter(hash -> known(pins, hash)).toList();
    assertTrue(left.size() >= 16 * 5 && left.size() <= 16 * 14, left.size() + " of 400");
    assertTrue(left.containsAll(hashes.subList(380, 400)));
    // again: it is no new one, and stays with its account
    String last = hashes.getLast();
    for (int n = 0; n < 20; n++) {
      pins.pin("client", "b", List.of(last), List.of(), 5, Duration.ofSeconds(100), "1000000")
          .join();
    }
    assertEquals(Optional.of("a"), pins.owner(List.of(last)).join());
    assertEquals(left.size(), hashes.stream().filter(hash -> known(pins, hash)).count());
    // a half of the map is given up when it is as old as that, and the other after it
    last = Pins.hash("of another client");
    pins.pin("late", "a", List.of(last), List.of(), 5, Duration.ofSeconds(100), "1000000").join();
    String part = last.substring(0, 1);
    pins.pin(
            "client",
            "c",
            List.of(part + "f".repeat(31)),
            List.of(),
            5,
            Duration.ofSeconds(100),
            "1100000")
        .join();
    assertTrue(known(pins, last));
    pins.pin(
            "client",
            "c",
            List.of(part + "e".repeat(31)),
            List.of(),
            5,
            Duration.ofSeconds(100),
            "1200000")
        .join();
    assertFalse(known(pins, last));
    try (ScriptConnection wire = new ScriptConnection(RedisUnderTest.url())) {
      List<String> names = wire.names("test:{" + name + "}:");
      assertTrue(names.contains("test:{" + name + "}:pins"), names.toString());
      for (String key : names) {
        long ttl = wire.redis().pttl(RedisKeys.bytes(key));
        assertTrue(ttl > 0 && ttl <= 200_000, key + " " + ttl);
      }
    }
  }

  private static boolean known(Pins pins, String hash) {
    return pins.owner(List.of(hash)).join().isPresent();
  }

  private static String told(Pins pins, String hash) {
    return pins.told(List.of(Pins.hash("another"), hash)).join().getLast();
  }

  @Test
  void what_answers_show_of_a_background_response_is_told_to_its_holder() {
    String name = Pools.name("pins");
    Pins holder = engine.pins(name);
    Pins sees = other.pins(name);
    String hash = Pins.hash("resp_1");
    sees.tell(hash, "over", "a", MINUTE).join();
    assertEquals("", told(holder, hash), "nobody holds it");
    holder.tell(hash, "begun", "a", MINUTE).join();
    sees.tell(hash, "over", "b", MINUTE).join();
    assertEquals("begun", told(holder, hash), "another account knows nothing of it");
    for (String word : List.of("running 1", "running 2", "over 1 0 0 2")) {
      sees.tell(hash, word, "a", MINUTE).join();
      assertEquals(word, told(holder, hash));
    }
    sees.tell(hash, "running 3", "a", MINUTE).join();
    assertEquals("over 1 0 0 2", told(holder, hash), "the end is the last word");
  }

  @Test
  void what_is_told_of_a_background_response_is_kept_for_a_time() {
    Pins pins = engine.pins(Pools.name("pins"));
    String hash = Pins.hash("resp_1");
    pins.tell(hash, "begun", "a", Duration.ofMillis(1)).join();
    Await.until("it is forgotten", () -> told(pins, hash).isEmpty());
  }

  @Test
  void only_hashes_are_taken() {
    assertThrows(IllegalArgumentException.class, () -> Pools.one().pinnedTo(List.of("file-1")));
    List<String> many = IntStream.range(0, 9).mapToObj(n -> Pins.hash("" + n)).toList();
    assertThrows(IllegalArgumentException.class, () -> Pools.one().pinnedTo(many));
  }

  /** Half a minute of one client's junk costs another nothing. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void one_client_cannot_push_out_what_others_have_made(boolean shown) {
    Pins pins = engine.pins(Pools.name("pins"));
    List<String> conversations =
        IntStream.range(0, 40).mapToObj(n -> Pins.hash("resp_" + n)).toList();
    for (String hash : conversations) {
      pins.pin("bystander", "a", List.of(hash), List.of()).join();
    }
    List<CompletableFuture<Void>> calls = new ArrayList<>();
    for (int n = 0; n < 15_000; n++) {
      int from = 16 * n;
      List<String> junk =
          IntStream.range(from, from + 16).mapToObj(id -> Pins.hash("file-" + id)).toList();
      calls.add(pins.pin("flood", "b", shown ? junk : List.of(), shown ? List.of() : junk));
      if (calls.size() == 200) {
        CompletableFuture.allOf(calls.toArray(CompletableFuture[]::new)).join();
        calls.clear();
      }
    }
    CompletableFuture.allOf(calls.toArray(CompletableFuture[]::new)).join();
    long kept = conversations.stream().filter(hash -> known(pins, hash)).count();
    assertEquals(40, kept);
    String last = Pins.hash("file-239999");
    assertEquals(Optional.of("b"), pins.owner(List.of(last)).join(), "the newest of each is kept");
  }

  @Test
  void a_client_alone_has_the_whole_map_and_the_next_one_its_share() {
    Pins pins = engine.pins(Pools.name("pins"));
    Duration half = Duration.ofSeconds(100);
    List<String> many = IntStream.range(0, 4_000).mapToObj(n -> Pins.hash("a" + n)).toList();
    many.forEach(hash -> pins.pin("a", "x", List.of(hash), List.of(), 100, half, "1000").join());
    long alone = many.stream().filter(hash -> known(pins, hash)).count();
    assertTrue(alone >= 16 * 100, alone + " of 4000");
    for (String client : List.of("b", "c", "d")) {
      List<String> few = IntStream.range(0, 16 * 15).mapToObj(n -> Pins.hash(client + n)).toList();
      few.forEach(
          hash -> pins.pin(client, "y", List.of(hash), List.of(), 100, half, "1000").join());
      many.forEach(hash -> pins.pin("a", "x", List.of(hash), List.of(), 100, half, "1000").join());
      assertEquals(few.size(), few.stream().filter(hash -> known(pins, hash)).count(), client);
    }
  }
}
