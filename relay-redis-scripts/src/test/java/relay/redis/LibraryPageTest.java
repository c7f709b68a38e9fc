package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import example.Example;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Demand;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Refill;
import relay.redis.model.Remaining;

/** The library's page shows the example that is compiled and run here. */
final class LibraryPageTest {
  private static final Path PAGE = Path.of("README.md");
  private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @Test
  void the_page_shows_the_example_as_it_is_compiled() throws IOException {
    Matcher block = JAVA.matcher(Files.readString(PAGE));
    assertTrue(block.find(), "no Java in " + PAGE);
    assertEquals(Files.readString(Path.of("src/test/java/example/Example.java")), block.group(1));
  }

  @Test
  void the_example_gets_a_key() {
    String answer = Example.ask(RedisUnderTest.url(), Pools.name("example"));
    assertTrue(answer.matches("used key-[ab]"), answer);
  }

  @Test
  void the_page_names_every_public_type() throws Exception {
    String page = Files.readString(PAGE);
    for (Class<?> type : PublicApi.types()) {
      assertTrue(page.contains("`" + type.getSimpleName() + "`"), "not told of: " + type);
    }
  }

  @Test
  void the_page_names_the_library_and_no_other_version() throws IOException {
    Matcher version =
        Pattern.compile("<artifactId>relay</artifactId>\\s*<version>([^<]+)</version>")
            .matcher(Files.readString(Path.of("pom.xml")));
    assertTrue(version.find());
    String page = Files.readString(PAGE);
    assertTrue(page.contains("<version>" + version.group(1) + "</version>"), version.group(1));
  }

  @Test
  void the_rights_that_the_page_names_are_enough() throws IOException {
    Matcher rights = Pattern.compile("`(\\+fcall [^`]*)`").matcher(Files.readString(PAGE));
    assertTrue(rights.find(), "no rights in " + PAGE);
    String user = Pools.name("user");
    String url = RedisUnderTest.url();
    try (ScriptConnection wire = new ScriptConnection(url)) {
      Stream<String> rules =
          Stream.concat(
              Stream.of("on", ">secret", "~test:*"), Stream.of(rights.group(1).split("\\s+")));
      wire.setUser(user, rules.toArray(String[]::new));
    }
    EngineOptions options =
        Pools.options(url.replace("//", "//" + user + ":secret@"), "r1", Fallback.CLOSED);
    for (int keys : List.of(2, 20)) {
      PoolPlan plan =
          Pools.plan(Pools.name("rights"), Duration.ofMinutes(1), keys, new Limits(1_000, 0, 0, 0));
      try (RedisEngine engine = RedisEngine.start(options)) {
        KeyPool pool = engine.pool(plan);
        Demand talk = Demand.of(Pools.CLASS, 10, 10).inSession("talk");
        Lease lease = assertInstanceOf(Granted.class, pool.acquire(talk).join()).lease();
        pool.observe(lease, new Limits(900, 0, 0, 0), Remaining.NONE, () -> Refill.NONE);
        pool.refused(lease, Duration.ZERO);
        lease.settle(9, 9);
        pool.operator().quarantine(lease.key(), "a test").join();
        pool.operator().restore(lease.key()).join();
        assertEquals(keys, pool.snapshot().join().keys().size());
      }
    }
  }
}
