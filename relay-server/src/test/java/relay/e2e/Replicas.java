package relay.e2e;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import relay.embedded.EmbeddedRedis;
import relay.model.Dialect;

/** Replica processes with one configuration on one Redis. {@code close} stops all processes. */
final class Replicas implements AutoCloseable {
  private static final int STARTS = 3;

  private final Path directory;
  private final EmbeddedRedis redis;
  private final boolean sharesRedis;
  private final List<RelayProcess> processes = new ArrayList<>();
  private final Thread reaper = new Thread(this::killAll);

  private Replicas(@Nullable EmbeddedRedis shared) throws IOException {
    directory = Files.createTempDirectory("relay-e2e");
    sharesRedis = shared != null;
    redis = shared != null ? shared : EmbeddedRedis.start();
    Runtime.getRuntime().addShutdownHook(reaper);
  }

  static Replicas start(Setup setup, int count) throws Exception {
    Replicas replicas = new Replicas(setup.sharedRedis());
    try {
      for (int n = 0; n < count; n++) {
        replicas.launch(setup, n);
      }
      for (int n = 0; n < count; n++) {
        for (int start = 1; !replicas.get(n).isReady() && start < STARTS; start++) {
          replicas.launch(setup, n); // another process took one of the ports
        }
      }
      return replicas;
    } catch (Exception | Error e) {
      replicas.close();
      throw e;
    }
  }

  private void launch(Setup setup, int n) throws IOException {
    int port = freePort();
    int adminPort = freePort();
    while (adminPort == port) { // a free port may be returned twice
      adminPort = freePort();
    }
    Path config = directory.resolve("relay-" + n + ".yaml");
    Files.writeString(config, setup.yaml(port, adminPort, redis.url()));
    RelayProcess process = RelayProcess.start(config, port, adminPort, setup.jvmOptions());
    if (n < processes.size()) {
      processes.set(n, process);
    } else {
      processes.add(process);
    }
  }

  RelayProcess get(int n) {
    return processes.get(n);
  }

  /** The data port of a replica. */
  int port(int n) {
    return get(n).port();
  }

  /** A replica's answer to a GET of an admin path. */
  Answer admin(int n, String path) throws IOException {
    Ask look = Ask.of(Dialect.ANTHROPIC, "").method("GET").target(path).host("127.0.0.1");
    return RawClient.ask(get(n).adminPort(), look);
  }

  /** A client's current state at a replica. */
  JsonNode client(int n, String name) throws IOException {
    JsonNode clients = admin(n, "/clients").json().get("clients");
    for (JsonNode client : clients) {
      if (client.get("name").asText().equals(name)) {
        return client;
      }
    }
    throw new AssertionError(name + " is not in " + clients);
  }

  EmbeddedRedis redis() {
    return redis;
  }

  RedisSocket redisSocket() throws IOException {
    return new RedisSocket(redis.port());
  }

  /** A line of the snapshot in Redis, for a group or a key of a pool. */
  String line(String pool, String field) throws IOException {
    try (RedisSocket socket = redisSocket()) {
      Map<String, String> picture = socket.hash("relay:{" + pool + "}:keys");
      return picture.getOrDefault(field, "");
    }
  }

  /** Waits until a snapshot line contains a pattern. The snapshot is at most half a second old. */
  void awaitLine(String pool, String field, String pattern) throws Exception {
    Pattern wanted = Pattern.compile(pattern + "( |$)");
    try {
      Await.until("a line", () -> wanted.matcher(line(pool, field)).find());
    } catch (AssertionError e) {
      String seen = field + " of " + pool + " reads: " + line(pool, field);
      throw new AssertionError(seen + "; wanted: " + pattern, e);
    }
  }

  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
      return socket.getLocalPort();
    }
  }

  private void killAll() {
    processes.forEach(RelayProcess::kill);
  }

  @Override
  public void close() throws IOException {
    killAll();
    if (!sharesRedis) {
      redis.close();
    }
    Runtime.getRuntime().removeShutdownHook(reaper);
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
