package relay.trial;

import java.io.IOException;
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

/** A replica as users run it: {@code relay serve} in a process of its own, with this JVM's code. */
final class ReplicaProcess implements AutoCloseable {
  private static final Duration READY_TIMEOUT = Duration.ofSeconds(30);
  private static final Duration STOP_TIMEOUT = Duration.ofSeconds(3);
  private static final long LOOK_AGAIN_MS = 20;
  private static final List<String> TUNING = List.of("-X", "--", "-Djdk.", "-Dio.");
  private static final int TAIL_LINES = 20;
  private static final int TAIL_BYTES = 64 << 10;

  private final int number;
  private final Process process;
  private final Path log;
  private final InetSocketAddress address;
  private final InetSocketAddress admin;

  private ReplicaProcess(
      int number, Process process, Path log, InetSocketAddress address, InetSocketAddress admin) {
    this.number = number;
    this.process = process;
    this.log = log;
    this.address = address;
    this.admin = admin;
  }

  /** Starts it and returns at once; {@link #awaitReady} says when it serves. */
  static ReplicaProcess start(
      int number, Path config, int port, int adminPort, List<String> moreJvmOptions)
      throws IOException {
    Path log = config.resolveSibling("replica-" + number + ".log");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
      // What opens and tunes the JVM must hold there too; what instruments this one must not.
      if (TUNING.stream().anyMatch(option::startsWith)) {
        command.add(option);
      }
    }
    command.addAll(moreJvmOptions);
    String program = System.getProperty("java.class.path");
    // As a jar, for its manifest says what must be opened
    command.addAll(
        program.endsWith("relay.jar")
            ? List.of("-jar", program)
            : List.of("-cp", program, "relay.Main"));
    command.addAll(List.of("serve", "--config", config.toString()));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .start();
    return new ReplicaProcess(number, process, log, loopback(port), loopback(adminPort));
  }

  InetSocketAddress address() {
    return address;
  }

  InetSocketAddress admin() {
    return admin;
  }

  Process process() {
    return process;
  }

  /** Waits until {@code /readyz} says so; throws, with the end of its log, if it never does. */
  void awaitReady() throws IOException, InterruptedException {
    long deadlineNanos = System.nanoTime() + READY_TIMEOUT.toNanos();
    while (System.nanoTime() < deadlineNanos) {
      try {
        if (PoolView.get(admin, "/readyz").status() == 200) {
          return;
        }
      } catch (IOException e) {
        // not listening yet
      }
      if (process.waitFor(LOOK_AGAIN_MS, TimeUnit.MILLISECONDS)) {
        throw failure("ended with status " + process.exitValue());
      }
    }
    throw failure("was not ready within " + READY_TIMEOUT.toSeconds() + " s");
  }

  /** Throws, with the end of its log, if it is no longer there. */
  void checkAlive() throws IOException {
    if (!process.isAlive()) {
      throw failure("ended with status " + process.exitValue());
    }
  }

  /**
   * Ends it and waits for its last work; throws, with the end of its log, if it does not end well.
   */
  void end(Duration most) throws IOException, InterruptedException {
    process.destroy();
    if (!process.waitFor(most.toMillis(), TimeUnit.MILLISECONDS)) {
      throw failure("did not end within " + most.toSeconds() + " s");
    }
    if (process.exitValue() != 0) {
      throw failure("ended with status " + process.exitValue());
    }
  }

  /** SIGTERM; SIGKILL if that is not enough. */
  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(STOP_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
        process.descendants().forEach(ProcessHandle::destroyForcibly); // one may write a cache
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  /** Asks it to end, without waiting: two that end together take half the time. */
  void endSoon() {
    process.destroy();
  }

  private IOException failure(String what) {
    return new IOException("replica " + number + " " + what + "; its log ends with:\n" + tail());
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
