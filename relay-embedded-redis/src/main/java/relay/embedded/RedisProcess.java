package relay.embedded;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A Redis with its watchdog, in a directory of its own. */
final class RedisProcess implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RedisProcess.class);
  private static final Duration STOP_TIMEOUT = Duration.ofSeconds(5);
  private static final int OUTPUT_LINES = 20;

  private final Path directory;
  private final @Nullable DataFolder data;
  private final Process watchdog;
  private final Thread reader;
  private final Deque<String> output = new ArrayDeque<>();
  private volatile boolean closing;

  private RedisProcess(Path directory, @Nullable DataFolder data, Process watchdog) {
    this.directory = directory;
    this.data = data;
    this.watchdog = watchdog;
    this.reader = Thread.ofVirtual().name("embedded-redis-output").start(this::readOutput);
  }

  /**
   * @param data where it keeps its data; null = nowhere
   */
  static RedisProcess start(int port, @Nullable DataFolder data) throws IOException {
    Path directory =
        Files.createTempDirectory(
                "relay-redis-",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")))
            .toRealPath();
    try {
      Path script = directory.resolve("watchdog.sh");
      try (InputStream resource =
          Objects.requireNonNull(RedisProcess.class.getResourceAsStream("watchdog.sh"))) {
        Files.copy(resource, script);
      }
      Path binary = RedisBinary.in(directory);
      ProcessBuilder builder =
          new ProcessBuilder(
              Stream.concat(
                      Stream.of("/bin/sh", script.toString(), directory.toString()),
                      command(binary, port, directory, data).stream())
                  .toList());
      builder.directory(directory.toFile());
      builder.redirectErrorStream(true);
      Map<String, String> environment = builder.environment();
      environment.keySet().retainAll(List.of("PATH")); // without secrets and locale
      return new RedisProcess(directory, data, builder.start());
    } catch (IOException | RuntimeException e) {
      delete(directory);
      throw e;
    }
  }

  private static List<String> command(
      Path binary, int port, Path directory, @Nullable DataFolder data) {
    return List.of(
        binary.toString(),
        "--port",
        Integer.toString(port),
        "--bind",
        "127.0.0.1",
        "--protected-mode",
        "yes",
        "--dir",
        (data == null ? directory : data.path()).toString(),
        "--pidfile",
        pidFile(directory, data).toString(),
        "--save",
        "",
        "--appendonly", // each write is in the system's cache at once, so a killed Redis loses none
        data == null ? "no" : "yes",
        "--loglevel",
        "warning");
  }

  private static Path pidFile(Path directory, @Nullable DataFolder data) {
    return data == null ? directory.resolve("redis.pid") : data.pidFile();
  }

  /** The id of Redis itself, not of its watchdog. Redis writes it before it answers. */
  long pid() throws IOException {
    return Long.parseLong(Files.readString(pidFile(directory, data)).strip());
  }

  /** Its working directory. */
  Path workingDirectory() {
    return data == null ? directory : data.path();
  }

  Path directory() {
    return directory;
  }

  /** Whether Redis has ended; waits for it. */
  boolean hasEnded(Duration atMost) {
    try {
      return watchdog.waitFor(atMost.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return !watchdog.isAlive();
    }
  }

  /** The last lines of its output; complete once Redis has ended. */
  String output() {
    try {
      if (!watchdog.isAlive()) {
        reader.join(STOP_TIMEOUT);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    synchronized (output) {
      return String.join("\n", output);
    }
  }

  void onUnexpectedExit(Runnable action) {
    var _ =
        watchdog
            .onExit()
            .thenRun(
                () -> {
                  if (!closing) {
                    action.run();
                  }
                });
  }

  /** The processes of this Redis: the watchdog and what it started. */
  Stream<ProcessHandle> handles() {
    return Stream.concat(Stream.of(watchdog.toHandle()), watchdog.descendants());
  }

  @Override
  public void close() {
    closing = true;
    try {
      watchdog.getOutputStream().close();
    } catch (IOException e) {
      log.debug("the pipe to the embedded Redis's watchdog was closed already", e);
    }
    if (!hasEnded(STOP_TIMEOUT)) {
      log.warn("the embedded Redis did not end within {} s", STOP_TIMEOUT.toSeconds());
      handles().toList().forEach(ProcessHandle::destroyForcibly);
    }
    delete(directory); // in case the watchdog was killed before it could
  }

  private void readOutput() {
    try (BufferedReader lines = watchdog.inputReader()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        log.debug("redis: {}", line);
        synchronized (output) {
          output.addLast(line);
          if (output.size() > OUTPUT_LINES) {
            output.removeFirst();
          }
        }
      }
    } catch (IOException e) {
      log.debug("cannot read the embedded Redis's output", e);
    }
  }

  private static void delete(Path directory) {
    if (!Files.exists(directory)) {
      return;
    }
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | UncheckedIOException e) {
      log.warn("could not delete {}", directory, e);
    }
  }
}
