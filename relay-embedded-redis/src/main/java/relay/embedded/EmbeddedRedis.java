package relay.embedded;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A Redis on a free port of 127.0.0.1 that lives as long as this JVM at most: it ends on {@link
 * #close}, on exit, and when the JVM is killed. It stores nothing, unless it has a folder for that.
 *
 * <p>The executable comes with Relay for Linux and macOS; the system property {@code
 * relay.redis.binary}, else the environment variable {@code RELAY_REDIS_BINARY}, names another.
 */
public final class EmbeddedRedis implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(EmbeddedRedis.class);

  /** Another program may take the port before Redis binds it. */
  private static final int PORT_ATTEMPTS = 5;

  private static final Duration START_TIMEOUT = Duration.ofSeconds(10);

  /** Redis takes about 20 ms to start. */
  private static final Duration POLL_INTERVAL = Duration.ofMillis(5);

  private final RedisProcess process;
  private final @Nullable DataFolder data;
  private final int port;

  private EmbeddedRedis(RedisProcess process, @Nullable DataFolder data, int port) {
    this.process = process;
    this.data = data;
    this.port = port;
  }

  /** A source of ports to try. */
  @FunctionalInterface
  interface Ports {
    int next() throws IOException;
  }

  /**
   * Starts a Redis and waits, 10 s at most, until it answers.
   *
   * @throws IOException when it does not; the message says what to do
   */
  public static EmbeddedRedis start() throws IOException {
    return start(LoopbackPorts::free, null);
  }

  /**
   * Like {@link #start()}, with its data in a folder: another start finds it there.
   *
   * @throws IOException also when another Relay uses the folder
   */
  public static EmbeddedRedis startIn(Path folder) throws IOException {
    DataFolder data = DataFolder.take(folder);
    try {
      return start(LoopbackPorts::free, data);
    } catch (IOException | RuntimeException e) {
      data.close();
      throw e;
    }
  }

  /** Like {@link #start()}, on a given port. */
  public static EmbeddedRedis startOn(int port) throws IOException {
    return start(() -> port, null);
  }

  /**
   * The executable of an embedded Redis, copied into the directory if Relay carries it. It also
   * runs as a sentinel or as a node of a Cluster.
   */
  public static Path executable(Path directory) throws IOException {
    return RedisBinary.in(directory);
  }

  static EmbeddedRedis start(Ports ports, @Nullable DataFolder data) throws IOException {
    for (int attempt = 1; attempt <= PORT_ATTEMPTS; attempt++) {
      int port = ports.next();
      RedisProcess process = RedisProcess.start(port, data);
      try {
        if (isReady(process, port)) {
          process.onUnexpectedExit(
              () -> log.error("the embedded Redis has ended by itself; restart Relay"));
          return new EmbeddedRedis(process, data, port);
        }
        log.debug("port {} was taken; trying another", port);
      } catch (IOException | RuntimeException e) {
        process.close();
        throw e;
      }
      process.close();
    }
    throw RedisBinary.failure("found no free port in " + PORT_ATTEMPTS + " attempts");
  }

  /** False when another program has the port. */
  private static boolean isReady(RedisProcess process, int port) throws IOException {
    long deadline = System.nanoTime() + START_TIMEOUT.toNanos();
    while (System.nanoTime() < deadline) {
      if (RedisProbe.answers(port, process.workingDirectory())) {
        return true;
      }
      if (process.hasEnded(POLL_INTERVAL)) {
        if (process.output().contains("Failed listening on port")) {
          return false;
        }
        throw RedisBinary.failure("it ended at once: " + process.output());
      }
    }
    throw RedisBinary.failure(
        "it did not answer within " + START_TIMEOUT.toSeconds() + " s: " + process.output());
  }

  /** The TCP port on 127.0.0.1. */
  public int port() {
    return port;
  }

  /** For {@code redis.url}: {@code redis://127.0.0.1:PORT}. */
  public String url() {
    return "redis://127.0.0.1:" + port;
  }

  /** Redis's process id, for tests that stop it by signals. */
  public long pid() throws IOException {
    return process.pid();
  }

  /** Kills Redis and deletes its directory, but not its data; waits for both, 5 s at most. */
  @Override
  public void close() {
    process.close();
    try {
      if (data != null) {
        data.close();
      }
    } catch (IOException e) {
      log.warn("cannot release {}", data.path(), e);
    }
  }

  RedisProcess process() {
    return process;
  }
}
