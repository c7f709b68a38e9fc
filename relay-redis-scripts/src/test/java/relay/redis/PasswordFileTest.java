package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import relay.guards.Await;
import relay.guards.RedisNode;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.Limits;
import relay.redis.model.RedisServers;

@Tag("slow")
final class PasswordFileTest {
  private static final Pattern AUTH =
      Pattern.compile("cmdstat_auth:calls=([0-9]+),.*failed_calls=([0-9]+)");

  @TempDir Path directory;

  /** Logins that Redis took, or that it refused. */
  private static int logins(RedisNode redis, boolean refused) {
    Matcher auth = AUTH.matcher(redis.call("INFO", "commandstats").getFirst());
    if (!auth.find()) {
      return 0;
    }
    int failed = Integer.parseInt(auth.group(2));
    return refused ? failed : Integer.parseInt(auth.group(1)) - failed;
  }

  @Test
  void a_new_password_that_redis_does_not_know_yet_is_sent_until_it_does() throws IOException {
    try (RedisNode redis = RedisNode.start()) {
      assertEquals(
          List.of("OK"),
          redis.call("ACL", "SETUSER", "relay", "on", ">first", "~*", "&*", "+@all"));
      Path file = Files.writeString(directory.resolve("password"), "first");
      RedisServers at = RedisServers.of("redis://" + redis.address());
      RedisServers servers =
          new RedisServers(
              at.topology(),
              at.addresses(),
              "",
              0,
              new RedisServers.Login("relay", null, file),
              null);
      EngineOptions options =
          new EngineOptions(
              servers,
              "test",
              "r",
              Duration.ofSeconds(10),
              Fallback.CLOSED,
              EngineOptions.DEFAULT_LEASE);
      try (RedisEngine engine = RedisEngine.start(options)) {
        KeyPool pool =
            engine.pool(Pools.plan("pool", Duration.ofDays(1), 1, new Limits(1_000, 0, 0, 0)));
        assertInstanceOf(Granted.class, pool.acquire(Pools.one()).join());
        int before = logins(redis, false);
        Files.writeString(file, "second");
        Await.until("Redis refuses it", () -> logins(redis, true) > 0);
        redis.call("ACL", "SETUSER", "relay", ">second");
        Await.until("Redis takes it", () -> logins(redis, false) > before);
        assertInstanceOf(Granted.class, pool.acquire(Pools.one()).join());
      }
    }
  }
}
