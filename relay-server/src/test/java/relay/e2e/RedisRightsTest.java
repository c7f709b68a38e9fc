package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import relay.embedded.EmbeddedRedis;
import relay.guards.Await;
import relay.model.Dialect;
import relay.trial.process.ReplicaProcess;

/** A Redis whose user may not call the scripts. */
class RedisRightsTest {
  @Test
  void the_missing_permissions_are_logged_once() throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.start();
        RedisSocket operator = new RedisSocket(redis.port());
        Replicas replicas =
            new Setup()
                .provider("anthropic", Dialect.ANTHROPIC, Setup.nowhere(), Setup.key("a"))
                .on(redis)
                .start(1)) {
      assertEquals("OK", operator.text("ACL", "SETUSER", "default", "-fcall"));
      ReplicaProcess replica = replicas.get(0);
      Await.until("it is told", () -> replica.log().contains("+fcall +function|load"));
      LockSupport.parkNanos(Duration.ofSeconds(4).toNanos());
      assertEquals(
          1,
          replica.log().lines().filter(line -> line.contains("lacks rights")).count(),
          replica.log());
    }
  }
}
