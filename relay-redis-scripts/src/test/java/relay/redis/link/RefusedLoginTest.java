package relay.redis.link;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.RedisException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.redis.RedisUnderTest;
import relay.redis.model.RedisServers;

/** Redis refuses a login: whoever connects is told so, and not that the connection was closed. */
@Tag("slow")
final class RefusedLoginTest {
  private static final int THREADS = 6;
  private static final int EACH = 500; // of 1,000, some were told the other

  @Test
  void each_of_many_is_told_why() throws Exception {
    URI redis = URI.create(RedisUnderTest.url());
    RedisServers servers =
        RedisServers.of("redis://nobody:wrong@" + redis.getHost() + ":" + redis.getPort());
    InetSocketAddress address = RedisServers.address(redis.getHost(), redis.getPort());
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      List<Future<?>> all = new ArrayList<>();
      for (int n = 0; n < THREADS; n++) {
        all.add(threads.submit(() -> connect(servers, address)));
      }
      for (Future<?> one : all) {
        one.get();
      }
    }
  }

  private static void connect(RedisServers servers, InetSocketAddress address) {
    try (Connections connections = new Connections(servers, Duration.ofSeconds(1), null)) {
      for (int n = 0; n < EACH; n++) {
        RedisException refused =
            assertThrows(RedisException.class, () -> connections.connect(address));
        String why = FailureReason.of(refused);
        assertTrue(why.startsWith("WRONGPASS "), why);
      }
    }
  }
}
