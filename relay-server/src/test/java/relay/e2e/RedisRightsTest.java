package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.embedded.EmbeddedRedis;
import relay.guards.Await;
import relay.model.Dialect;
import relay.trial.process.ReplicaProcess;

/** A Redis whose user may not call the scripts. */
@Tag("slow")
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

  /** Else a rollout with a wrong right, prefix or version passes each probe. */
  @Test
  void a_replica_that_may_not_use_redis_is_ready_only_if_it_serves_without_and_tells_its_mode()
      throws Exception {
    for (String mode : List.of("closed", "fair_share")) {
      boolean serves = mode.equals("fair_share");
      try (EmbeddedRedis redis = EmbeddedRedis.start();
          RedisSocket operator = new RedisSocket(redis.port());
          Replicas replicas =
              new Setup()
                  .provider("anthropic", Dialect.ANTHROPIC, Setup.nowhere(), Setup.key("a"))
                  .redis("on_unavailable: " + mode)
                  .on(redis)
                  .start(1)) {
        ReplicaProcess replica = replicas.get(0);
        Await.until("Redis is used", () -> tells(replicas, "shared"));
        assertEquals("OK", operator.text("ACL", "SETUSER", "default", "-fcall"));
        Await.until(mode + " is told", () -> tells(replicas, mode));
        assertEquals(serves ? 200 : 503, replica.adminStatus("/readyz"));
        assertEquals("OK", operator.text("ACL", "SETUSER", "default", "+fcall"));
        Await.until("Redis is used again", () -> tells(replicas, "shared"));
        assertEquals(200, replica.adminStatus("/readyz"));
      }
    }
  }

  private static boolean tells(Replicas replicas, String mode) throws Exception {
    return replicas
        .admin(0, "/metrics")
        .text()
        .contains("relay_redis_mode{mode=\"" + mode + "\"} 1");
  }
}
