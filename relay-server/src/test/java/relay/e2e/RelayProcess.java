package relay.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code relay serve} as a separate process, with the classes of this JVM. */
final class RelayProcess {
  private static final Duration START = Duration.ofSeconds(40);
  private static final Duration END = Duration.ofSeconds(20);

  private final Process process;
  private final int port;
  private final int adminPort;
  private final Path log;

  private RelayProcess(Process process, int port, int adminPort, Path log) {
    this.process = process;
    this.port = port;
    this.adminPort = adminPort;
    this.log = log;
  }

  static RelayProcess start(Path config, int port, int adminPort, List<String> jvmOptions)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")); // halves the start time
    command.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "--add-opens=java.base/java.lang=ALL-UNNAMED")); // as in the jar's manifest
    command.addAll(jvmOptions);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), "relay.Main"));
    command.addAll(List.of("serve", "--config", config.toString()));
    Path log = Path.of(config + ".log");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .start();
    return new RelayProcess(process, port, adminPort, log);
  }

  /** Waits until the replica serves; false if it ended because a port was in use. */
  boolean isReady() throws Exception {
    try {
      Await.until(
          "the replica serves",
          START,
          () -> !process.isAlive() || answers("GET", "/readyz", adminPort) == 200);
    } catch (AssertionError e) {
      throw new AssertionError(e.getMessage() + "; its log says: " + log(), e);
    }
    if (process.isAlive()) {
      return true;
    }
    if (log().contains("in use")) {
      return false;
    }
    throw new AssertionError("the replica ended at once; its log says: " + log());
  }

  private static int answers(String method, String path, int port) {
    try (RawClient wire = new RawClient(port)) {
      String request = method + " " + path + " HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
      return wire.send(request.getBytes(java.nio.charset.StandardCharsets.US_ASCII))
          .head()
          .status();
    } catch (IOException e) {
      return 0; // not listening yet
    }
  }

  /** The status of an admin path; 0 without an answer. */
  int admin(String path) {
    return answers("GET", path, adminPort);
  }

  int port() {
    return port;
  }

  int adminPort() {
    return adminPort;
  }

  /** The log so far. */
  String log() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Sends SIGKILL and waits for the end. */
  void kill() {
    process.destroyForcibly();
    try {
      process.waitFor(END.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Sends SIGTERM. */
  void terminate() {
    process.destroy();
  }

  /** Sends SIGHUP. */
  void hangUp() throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-HUP", Long.toString(process.pid())).start().waitFor();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Waits for the end; returns the exit code. */
  int exitCode() throws InterruptedException {
    if (!process.waitFor(END.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new AssertionError("it still runs; its log says: " + log());
    }
    return process.exitValue();
  }
}
