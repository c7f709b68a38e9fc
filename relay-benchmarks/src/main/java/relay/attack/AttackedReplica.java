package relay.attack;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import relay.embedded.LoopbackPorts;

/**
 * A replica with a heap of 256 MB and 2,048 descriptors, started by the launcher. Its log goes to a
 * pipe.
 */
final class AttackedReplica implements AutoCloseable {
  private static final Pattern IN_FLIGHT = Pattern.compile("\"in_flight\":\\s*(\\d+)");
  private static final String START =
      "ulimit -n 2048 && export RELAY_JAVA_OPTS=\"-Xmx256m ${RELAY_JAVA_OPTS:-}\" && exec \"$@\"";

  private final Process process;
  private final LogReader log;
  private final int port;
  private final int adminPort;

  AttackedReplica(
      Path launcher,
      Path directory,
      Path logFile,
      String redisUrl,
      AttackProvider provider,
      boolean http2)
      throws IOException {
    int[] ports = LoopbackPorts.free(2);
    port = ports[0];
    adminPort = ports[1];
    Path config = directory.resolve("relay.yaml");
    Files.writeString(config, config(redisUrl, provider, http2));
    process =
        new ProcessBuilder(
                "bash",
                "-c",
                START,
                "bash",
                launcher.toString(),
                "serve",
                "--config",
                config.toString())
            .redirectErrorStream(true)
            .start();
    log = new LogReader(process.inputReader(), logFile);
  }

  private String config(String redisUrl, AttackProvider provider, boolean http2) {
    return """
    server:
      listen: 127.0.0.1:%d
      admin_listen: 127.0.0.1:%d
      enable_http2: %s
      auth:
        clients:
          - { name: normal, key: %s }
          - { name: attacker, key: %s }
          - { name: limited, key: %s, rpm_limit: 3 }
    redis: { url: "%s", on_unavailable: closed }
    logging: { level: debug, format: text }
    providers:
      - name: anthropic
        type: anthropic
        base_url: http://127.0.0.1:%d
        models: [%s]
        passthrough: true
        keys:
          - { key: secret-1, rpm_limit: 100000000 }
          - { key: secret-2, rpm_limit: 100000000 }
          - { key: secret-3, rpm_limit: 100000000 }
      - name: broken
        type: anthropic
        base_url: https://127.0.0.1:%d
        models: [%s]
        keys:
          - { key: secret-4, rpm_limit: 100000000 }
    """
        .formatted(
            port,
            adminPort,
            http2,
            Normal.KEY,
            Target.ATTACKER,
            Target.LIMITED,
            redisUrl,
            provider.port(),
            Target.MODEL,
            provider.brokenTlsPort(),
            Target.MODEL_OF_BROKEN_TLS);
  }

  int port() {
    return port;
  }

  int adminPort() {
    return adminPort;
  }

  LogReader log() {
    return log;
  }

  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Whether it answers. */
  boolean isReady() {
    try {
      return get("/readyz").startsWith("200");
    } catch (IOException e) {
      return false;
    }
  }

  /** The status and the body of an operators' page. */
  private String get(String path) throws IOException {
    try (Wire wire = new Wire(adminPort, 0)) {
      wire.send(
          ("GET " + path + " HTTP/1.1\r\nhost: a\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
      StringBuilder page = new StringBuilder().append(wire.head()).append('\n');
      wire.body(line -> page.append(line).append('\n'));
      return page.toString();
    }
  }

  /** Its figures now. */
  ReplicaFigures figures() throws IOException {
    String page = get("/metrics");
    long heap =
        page.lines()
            .filter(line -> line.startsWith("jvm_memory_used_bytes{area=\"heap\""))
            .mapToLong(ReplicaFigures::value)
            .sum();
    return new ReplicaFigures(
        ReplicaFigures.named(page, "relay_memory_used_bytes"),
        ReplicaFigures.named(page, "relay_memory_budget_bytes"),
        heap,
        descriptors(),
        sockets(".*"),
        sockets(".*:(?!00000000).*"),
        ReplicaFigures.named(page, "relay_inflight"),
        IN_FLIGHT
            .matcher(get("/pools"))
            .results()
            .mapToLong(found -> Long.parseLong(found.group(1)))
            .sum(),
        ReplicaFigures.named(page, "relay_log_dropped_total"),
        ReplicaFigures.named(page, "relay_accept_pauses_total"));
  }

  /** The largest resident memory of the process so far, in bytes. */
  long mostResidentBytes() throws IOException {
    return Files.readAllLines(Path.of("/proc/" + pid() + "/status")).stream()
        .filter(line -> line.startsWith("VmHWM:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10)
        .findFirst()
        .orElse(0);
  }

  private long descriptors() throws IOException {
    try (Stream<Path> open = Files.list(Path.of("/proc/" + pid() + "/fd"))) {
      return open.count();
    }
  }

  /**
   * Open connections of clients and operators.
   *
   * @param queues a pattern for the bytes that wait, {@code SENT:RECEIVED} in hexadecimal
   */
  private long sockets(String queues) throws IOException {
    Pattern ours =
        Pattern.compile(
            " *\\d+: \\w+:(%04X|%04X) \\w+:\\w+ (01|08) (%s) .*"
                .formatted(port, adminPort, queues));
    long count = 0;
    for (String table : List.of("tcp", "tcp6")) {
      try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid() + "/net/" + table))) {
        count += lines.filter(line -> ours.matcher(line).matches()).count();
      }
    }
    return count;
  }

  @Override
  public void close() {
    process.destroy();
    process.onExit().orTimeout(40, TimeUnit.SECONDS).join();
  }
}
