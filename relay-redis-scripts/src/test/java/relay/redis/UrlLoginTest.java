package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.AclSetuserArgs;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.redis.model.Fallback;

/** An engine logs in as its URL says. */
@Tag("slow")
class UrlLoginTest extends LinkedEngines {
  @Test
  void user_password_and_database_are_those_of_the_url() {
    String address = redis.url().substring("redis://".length());
    try (ScriptConnection wire = new ScriptConnection(redis.url())) {
      var _ =
          wire.redis()
              .aclSetuser(
                  "someone",
                  AclSetuserArgs.Builder.on().addPassword("secret").allKeys().allCommands());
      RedisEngine known =
          engine(Pools.options("redis://someone:secret@" + address + "/3", "r1", Fallback.CLOSED));
      var _ = granted(known.pool(plan(AMPLE)).acquire(Pools.one()));
      assertTrue(wire.redis().clientList().contains(" user=someone "));
      assertEquals(List.of(), wire.names("test"));
      var _ = wire.redis().select(3);
      assertFalse(wire.names("test").isEmpty());
      RedisEngine stranger =
          engine(Pools.options("redis://someone:wrong@" + address, "r2", Fallback.CLOSED));
      assertFalse(stranger.isUp());
    }
  }
}
