package relay.redis;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;

/**
 * The real Redis that all tests of a JVM share, each with its own pools: the one at {@code
 * -Drelay.redis.url}, else a container where a container engine answers, else a process. There is
 * always one, so no test is skipped.
 */
public final class RedisUnderTest {
  private static final String IMAGE = "redis:8";
  private static final int PORT = 6379;

  private final String url;

  private RedisUnderTest() {
    String named = System.getProperty("relay.redis.url");
    if (named != null) {
      url = named;
      return;
    }
    String running = System.getProperty("relay.redis.binary") == null ? container() : null;
    url = running != null ? running : FaultyRedis.start().url();
    try (ScriptConnection wire = new ScriptConnection(url)) {
      // a busy machine may stop Redis within a script, and no other call must fail for that
      wire.redis().configSet("lua-time-limit", "120000");
      String valkey = wire.info("server", "valkey_version");
      System.out.printf(
          "Redis under test: %s %s%n",
          running != null ? "container" : "process",
          valkey.isEmpty() ? wire.info("server", "redis_version") : "valkey " + valkey);
    }
  }

  private static final class Shared {
    static final RedisUnderTest REDIS = new RedisUnderTest();
  }

  public static String url() {
    return Shared.REDIS.url;
  }

  /** The URL of a Redis in a container, or null without a container engine. */
  private static @Nullable String container() {
    boolean perhaps =
        System.getenv("DOCKER_HOST") != null
            || Files.exists(Path.of("/var/run/docker.sock"))
            || Files.exists(Path.of(System.getProperty("user.home"), ".docker/run/docker.sock"));
    if (!perhaps || !DockerClientFactory.instance().isDockerAvailable()) {
      return null;
    }
    try {
      @SuppressWarnings("resource") // it runs as long as the JVM
      GenericContainer<?> redis =
          new GenericContainer<>(IMAGE)
              .withExposedPorts(PORT)
              // needs no tool inside the image, unlike the default check of the ports
              .waitingFor(Wait.forLogMessage(".*Ready to accept connections.*", 1));
      redis.start();
      return "redis://" + redis.getHost() + ":" + redis.getMappedPort(PORT);
    } catch (RuntimeException e) {
      System.out.println("No container of " + IMAGE + ": " + e.getMessage());
      return null;
    }
  }
}
