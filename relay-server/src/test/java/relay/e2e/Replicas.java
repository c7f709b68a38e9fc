package relay.e2e;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import relay.embedded.EmbeddedRedis;
import relay.embedded.LoopbackPorts;
import relay.guards.Await;
import relay.model.Dialect;
import relay.trial.TrainedCode;
import relay.trial.process.ReplicaProcess;

/** Replica processes with one configuration on one Redis. {@code close} stops all processes. */
final class Replicas implements AutoCloseable {
  private static final int STARTS = 3;
  private static final Duration START_TIMEOUT = Duration.ofSeconds(40);

  private final Path directory;
  private final EmbeddedRedis redis;
  private final boolean sharesRedis;
  private final List<ReplicaProcess> processes = new ArrayList<>();
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
        for (int start = 1; !isReady(replicas.get(n)) && start < STARTS; start++) {
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
    int[] ports = LoopbackPorts.free(2);
    Path config = directory.resolve("relay-" + n + ".yaml");
    Files.writeString(config, setup.yaml(ports[0], ports[1], redis.url()));
    ReplicaProcess process =
        launch(config, ports[0], ports[1], setup.jvmOptions(), setup.environment());
    if (n < processes.size()) {
      processes.set(n, process);
    } else {
      processes.add(process);
    }
  }

  /** kill -9, and starts it again. Returns when it is ready. */
  void killAndStart(int n, Setup setup) throws Exception {
    ReplicaProcess old = get(n);
    old.kill();
    ReplicaProcess next =
        launch(config(n), old.port(), old.adminPort(), setup.jvmOptions(), setup.environment());
    processes.set(n, next);
    if (!isReady(next)) {
      throw next.failure("could not start again");
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

  /** Starts a replica with the code of this JVM, and returns at once. */
  static ReplicaProcess launch(Path config, int port, int adminPort, List<String> jvmOptions)
      throws IOException {
    return launch(config, port, adminPort, jvmOptions, List.of());
  }

  private static ReplicaProcess launch(
      Path config, int port, int adminPort, List<String> jvmOptions, List<String> environment)
      throws IOException {
    List<String> options = new ArrayList<>(jvmOptions);
    String off = System.getProperty(WithoutReachTest.OFF); // while that test runs others again
    if (off != null) {
      options.add("-Drelay.reach_off=" + off);
    }
    List<String> command = new ArrayList<>();
    if (!environment.isEmpty()) {
      command.add("env");
      command.addAll(environment);
    }
    command.addAll(TrainedCode.command(options));
    return ReplicaProcess.start(command, config, port, adminPort);
  }

  /** False if another program took one of its ports. */
  private static boolean isReady(ReplicaProcess process) throws Exception {
    if (process.isReady(START_TIMEOUT)) {
      return true;
    }
    if (process.log().contains("in use")) {
      return false;
    }
    throw process.failure("ended at once");
  }

  ReplicaProcess get(int n) {
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

  private void killAll() {
    processes.forEach(ReplicaProcess::kill);
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
