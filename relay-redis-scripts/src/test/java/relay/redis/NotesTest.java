package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.model.Fallback;
import relay.redis.script.RedisKeys;

/** Texts that replicas share. */
final class NotesTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final String book = Pools.name("book");
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private RedisEngine engine;
  private Notes here;
  private Notes there;

  @BeforeEach
  void connect() throws Exception {
    engine = RedisEngine.start(Pools.options(RedisUnderTest.url(), "r", Fallback.CLOSED));
    Await.until("Redis is up", engine::isUp);
    here = engine.notes(book);
    there = engine.notes(book);
  }

  @AfterEach
  void close() {
    engine.close();
    wire.close();
  }

  private long ttl(String name) {
    return wire.names("").stream()
        .filter(key -> key.endsWith("{" + book + "}:" + name))
        .mapToLong(key -> wire.redis().pttl(RedisKeys.bytes(key)))
        .findFirst()
        .orElse(0);
  }

  @Test
  void the_first_text_holds_for_all_and_for_its_time() {
    assertEquals("", here.first("a", "one", MINUTE).join());
    assertEquals("one", there.first("a", "two", MINUTE.multipliedBy(9)).join());
    assertEquals("one", there.read("a").join());
    assertTrue(ttl("a") > 0 && ttl("a") <= 60_000, "" + ttl("a"));
    assertEquals("", here.read("b").join());
  }

  @Test
  void a_text_that_is_kept_gets_a_new_time() {
    assertEquals("one", here.keep("a", "one", MINUTE).join());
    assertEquals("one", there.keep("a", "two", MINUTE.multipliedBy(9)).join());
    assertTrue(ttl("a") > 60_000, "" + ttl("a"));
  }

  @Test
  void a_text_is_held_while_it_is_the_same() {
    here.hold("a", "one", MINUTE).join();
    here.hold("a", "one", MINUTE.multipliedBy(9)).join();
    assertTrue(ttl("a") > 60_000, "" + ttl("a"));
    there.hold("a", "two", MINUTE.multipliedBy(99)).join();
    assertEquals("one", here.read("a").join());
    assertTrue(ttl("a") <= 540_000, "" + ttl("a"));
  }

  @Test
  void a_text_is_replaced_and_only_the_same_one_is_dropped() {
    here.replace("a", "one", MINUTE).join();
    here.replace("a", "two", MINUTE).join();
    here.drop("a", "one").join();
    assertEquals("two", here.read("a").join());
    there.drop("a", "two").join();
    assertEquals("", here.read("a").join());
  }

  @Test
  void a_long_text_is_refused() {
    assertThrows(
        IllegalArgumentException.class, () -> here.replace("a", "x".repeat(4_097), MINUTE));
  }
}
