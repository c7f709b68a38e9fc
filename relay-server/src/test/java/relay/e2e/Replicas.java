package relay.e2e;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import relay.embedded.EmbeddedRedis;
import relay.model.Dialect;

/**
 * Replicas of one configuration, each a process, on one Redis. Closing it leaves nothing behind.
 */
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
          replicas.launch(setup, n); // another program took one of its ports
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
    while (adminPort == port) { // it is free until it is listened on
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

  /** The config file of a replica. */
  Path config(int n) {
    return directory.resolve("relay-" + n + ".yaml");
  }

  /** Writes another config for a replica as editors do: beside the old one, then renamed. */
  void write(int n, Setup setup) throws IOException {
    write(n, setup.yaml(get(n).port(), get(n).adminPort(), redis.url()));
  }

  void write(int n, String yaml) throws IOException {
    Path written = Path.of(config(n) + ".new");
    Files.writeString(written, yaml);
    Files.move(written, config(n), StandardCopyOption.ATOMIC_MOVE);
  }

  /** Has a replica take another config now. */
  Answer reload(int n, Setup setup) throws IOException {
    write(n, setup);
    return reload(n);
  }

  Answer reload(int n) throws IOException {
    Ask ask = Ask.of(Dialect.ANTHROPIC, "").target("/reload").host("127.0.0.1").body("");
    return RawClient.ask(get(n).adminPort(), ask);
  }

  /** The value of a metric with all its labels, such as {@code relay_inflight}; 0 if absent. */
  double metric(int n, String series) throws IOException {
    return admin(n, "/metrics")
        .text()
        .lines()
        .filter(line -> line.startsWith(series + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1)))
        .findFirst()
        .orElse(0);
  }

  RelayProcess get(int n) {
    return processes.get(n);
  }

  /** The data port of a replica. */
  int port(int n) {
    return get(n).port();
  }

  /** What a replica's admin port answers to a look at a path. */
  Answer admin(int n, String path) throws IOException {
    Ask look = Ask.of(Dialect.ANTHROPIC, "").method("GET").target(path).host("127.0.0.1");
    return RawClient.ask(get(n).adminPort(), look);
  }

  /** What it says of a client now. */
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

  /** A line of the picture that operators read: of a group or a key of a pool. */
  String line(String pool, String field) throws IOException {
    try (RedisSocket socket = redisSocket()) {
      Map<String, String> picture = socket.hash("relay:{" + pool + "}:keys");
      return picture.getOrDefault(field, "");
    }
  }

  /** Waits until a line of the picture, half a second old at most, has what a pattern describes. */
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
