package relay.redis.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The address in a URL. */
class LinkAddressTest {
  @ParameterizedTest
  @CsvSource({
    "redis://redis, redis, 6379, 0",
    "redis://redis:6380/2, redis, 6380, 2",
    "redis://[::1]:6380, ::1, 6380, 0",
    "redis://my_redis, my_redis, 6379, 0",
    "redis://my_redis:6380/2, my_redis, 6380, 2",
    "rediss://user:p%40ss@my_redis:6380, my_redis, 6380, 0",
  })
  void host_port_and_database_are_those_of_the_url(
      String url, String host, int port, int database) {
    RedisServers servers = RedisServers.of(url);
    assertEquals(List.of(RedisServers.address(host, port)), servers.addresses());
    assertEquals(database, servers.database());
  }
}
