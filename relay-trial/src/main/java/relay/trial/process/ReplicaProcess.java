package relay.trial.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import relay.trial.load.PoolView;

/** A replica as users run it: {@code relay serve} in a process of its own, with a log file. */
public final class ReplicaProcess implements AutoCloseable {
  private static final Duration STOP_TIMEOUT = Duration.ofSeconds(3);
  private static final Duration EXIT_TIMEOUT = Duration.ofSeconds(20);
  private static final Duration POLL_INTERVAL = Duration.ofMillis(10);
  private static final List<String> TUNING = List.of("-X", "--", "-Djdk.", "-Dio.");
  private static final long RELAYS = 1L << 0 | 1L << 1 | 1L << 14; // HUP, INT, TERM
  private static final int TAIL_LINES = 20;
  private static final int TAIL_BYTES = 64 << 10;

  private final String name;
  private final Process process;
  private final Path log;
  private final int port;
  private final int adminPort;

  private ReplicaProcess(String name, Process process, Path log, int port, int adminPort) {
    this.name = name;
    this.process = process;
    this.log = log;
    this.port = port;
    this.adminPort = adminPort;
  }

  /** A command that runs Relay with this JVM's executable and class path. */
  public static List<String> javaCommand(List<String> jvmOptions) {
    String classPath = System.getProperty("java.class.path");
    // The manifest of the jar opens a package of the JDK. It counts with -jar only.
    return classPath.endsWith("relay.jar")
        ? command(jvmOptions, List.of("-jar", classPath))
        : javaCommand(jvmOptions, "relay.Main");
  }

  /** The same for another class. */
  public static List<String> javaCommand(List<String> jvmOptions, String mainClass) {
    return command(jvmOptions, List.of("-cp", System.getProperty("java.class.path"), mainClass));
  }

  private static List<String> command(List<String> jvmOptions, List<String> rest) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(jvmOptions);
    command.addAll(rest);
    return command;
  }

  /** Options of this JVM that open and tune it, without those that instrument it. */
  public static List<String> tuningOptions() {
    return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(option -> TUNING.stream().anyMatch(option::startsWith))
        .toList();
  }

  /**
   * Starts a replica and returns at once.
   *
   * @param command runs Relay; {@code serve --config FILE} is added
   * @param config its log goes to a file of the same name that ends in {@code .log}
   * @param port of the clients, as in the configuration
   * @param adminPort of the operators, as in the configuration
   */
  public static ReplicaProcess start(List<String> command, Path config, int port, int adminPort)
      throws IOException {
    String name = config.getFileName().toString().replaceFirst("\\.yaml$", "");
    Path log = config.resolveSibling(name + ".log");
    List<String> words = new ArrayList<>(restoringSignals());
    words.addAll(command);
    words.addAll(List.of("serve", "--config", config.toString()));
    Process process =
        new ProcessBuilder(words)
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .start();
    return new ReplicaProcess(name, process, log, port, adminPort);
  }

  /**
   * Under {@code nohup} this process ignores SIGHUP, in the background of a script SIGINT, and its
   * children inherit that. A JVM then never sees the signal, so {@code env} restores the default
   * and becomes the JVM.
   */
  private static List<String> restoringSignals() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.isReadable(status)) {
      return List.of(); // not Linux
    }
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("SigIgn:")) {
        long ignored = Long.parseUnsignedLong(line.substring("SigIgn:".length()).strip(), 16);
        return (ignored & RELAYS) == 0
            ? List.of()
            : List.of("env", "--default-signal=HUP,INT,TERM");
      }
    }
    return List.of();
  }

  /** The clients' port. */
  public int port() {
    return port;
  }

  /** The operators' port. */
  public int adminPort() {
    return adminPort;
  }

  /** The clients' port on loopback. */
  public InetSocketAddress address() {
    return loopback(port);
  }

  /** The operators' port on loopback. */
  public InetSocketAddress adminAddress() {
    return loopback(adminPort);
  }

  /** The process's id. */
  public long pid() {
    return process.pid();
  }

  /** Whether the process runs. */
  public boolean isAlive() {
    return process.isAlive();
  }

  /**
   * Waits until {@code GET /readyz} gives 200; false if the process ends before. Another replica
   * may have taken the port, and answer instead: then the process ends soon.
   *
   * @throws IOException with the end of its log, if neither happens in time
   */
  public boolean isReady(Duration atMost) throws IOException, InterruptedException {
    long deadlineNanos = System.nanoTime() + atMost.toNanos();
    while (System.nanoTime() - deadlineNanos < 0) {
      if (adminStatus("/readyz") == 200 && PortOwner.isOf(adminPort, process.toHandle())) {
        return true;
      }
      if (hasEnded(POLL_INTERVAL)) {
        return false;
      }
    }
    throw failure("was not ready within " + atMost.toSeconds() + " s");
  }

  /** The status of {@code GET path} on the operators' port; 0 if it gives no answer. */
  public int adminStatus(String path) {
    try {
      return PoolView.get(adminAddress(), path).status();
    } catch (IOException e) {
      return 0;
    }
  }

  /** Throws, with the end of its log, if the process has ended. */
  public void checkAlive() throws IOException {
    if (!process.isAlive()) {
      throw failure("ended with status " + process.exitValue());
    }
  }

  /** Whether the process has ended; waits for it. */
  public boolean hasEnded(Duration atMost) throws InterruptedException {
    return process.waitFor(atMost.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Waits for the end of the process, 20 s at most; its exit status. */
  public int exitCode() throws IOException, InterruptedException {
    if (!hasEnded(EXIT_TIMEOUT)) {
      throw failure("did not end within " + EXIT_TIMEOUT.toSeconds() + " s");
    }
    return process.exitValue();
  }

  /** Sends SIGTERM and waits; throws, with the end of its log, unless it ends with status 0. */
  public void stop(Duration atMost) throws IOException, InterruptedException {
    terminate();
    if (!hasEnded(atMost)) {
      throw failure("did not end within " + atMost.toSeconds() + " s");
    }
    if (process.exitValue() != 0) {
      throw failure("ended with status " + process.exitValue());
    }
  }

  /** Sends SIGTERM, without waiting. */
  public void terminate() {
    process.destroy();
  }

  /** Sends SIGHUP. */
  public void hangUp() throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-HUP", Long.toString(pid())).start().waitFor();
  }

  /** Sends SIGKILL, also to the processes that it started, and waits for its end. */
  public void kill() {
    process.descendants().forEach(ProcessHandle::destroyForcibly); // one may write a cache
    process.destroyForcibly().onExit().join();
  }

  /** Sends SIGTERM; SIGKILL if it has not ended after 3 s. */
  @Override
  public void close() {
    terminate();
    try {
      if (hasEnded(STOP_TIMEOUT)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    kill();
  }

  /** All that it wrote so far. */
  public String log() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** An error that carries the end of the log. */
  public IOException failure(String what) {
    return new IOException(name + " " + what + "; its log ends with:\n" + tail());
  }

  private String tail() {
    try (SeekableByteChannel channel = Files.newByteChannel(log)) {
      channel.position(Math.max(0, channel.size() - TAIL_BYTES));
      ByteBuffer end = ByteBuffer.allocate(TAIL_BYTES);
      while (end.hasRemaining() && channel.read(end) >= 0) {
        // read on
      }
      List<String> lines =
          new String(end.array(), 0, end.position(), StandardCharsets.UTF_8).lines().toList();
      List<String> last = lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size());
      return last.isEmpty() ? "    (nothing)" : "    " + String.join("\n    ", last);
    } catch (IOException e) {
      return "    (cannot be read: " + e.getMessage() + ")";
    }
  }

  private static InetSocketAddress loopback(int port) {
    return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
  }
}
