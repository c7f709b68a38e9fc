package relay.endtoend;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import relay.load.ClosedLoop;
import relay.load.Question;
import relay.redis.OwnRedis;

/** A replica started like in production: by the launcher, with a configuration. */
final class ReplicaProcess implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final Duration STOP = Duration.ofSeconds(5);

  private final Process process;
  private final int port;
  private final Path log;
  private final double startMillis;
  private final Thread atExit;

  private ReplicaProcess(Process process, int port, Path log, long beganNanos) throws IOException {
    this.process = process;
    this.port = port;
    this.log = log;
    atExit = new Thread(process::destroyForcibly);
    Runtime.getRuntime().addShutdownHook(atExit);
    awaitFirstAnswer(beganNanos + PATIENCE.toNanos());
    startMillis = (System.nanoTime() - beganNanos) / 1e6;
  }

  /**
   * Starts the replica and waits for its first answer.
   *
   * @param command the launcher; {@code serve --config FILE} is appended
   * @param directory for its configuration and its log
   */
  static ReplicaProcess start(
      List<String> command, Path directory, String redisUrl, int providerPort, int keys)
      throws IOException {
    int port = OwnRedis.freePort();
    Path config = directory.resolve("relay-" + port + ".yaml");
    Files.writeString(config, config(port, OwnRedis.freePort(), redisUrl, providerPort, keys));
    Path log = directory.resolve("relay-" + port + ".log");
    ProcessBuilder builder = new ProcessBuilder(new ArrayList<>(command));
    builder.command().addAll(List.of("serve", "--config", config.toString()));
    builder.redirectErrorStream(true).redirectOutput(log.toFile());
    long began = System.nanoTime();
    Process process = builder.start();
    process.getOutputStream().close();
    return new ReplicaProcess(process, port, log, began);
  }

  private static String config(
      int port, int adminPort, String redisUrl, int providerPort, int keys) {
    StringBuilder text =
        new StringBuilder(
            """
            server:
              listen: 127.0.0.1:%d
              admin_listen: 127.0.0.1:%d
              auth: { api_key: %s }
            redis:
              url: %s
            logging: { level: warn, format: text }
            providers:
              - name: anthropic
                type: anthropic
                base_url: http://127.0.0.1:%d
                keys:
            """
                .formatted(port, adminPort, Question.CLIENT_KEY, redisUrl, providerPort));
    for (int n = 1; n <= keys; n++) {
      text.append(
          """
                - { key: secret-%d, id: key-%d, rpm_limit: 1000000000, itpm_limit: 2000000000, otpm_limit: 2000000000 }
          """
              .formatted(n, n));
    }
    return text.toString();
  }

  private void awaitFirstAnswer(long deadlineNanos) throws IOException {
    byte[] request = Question.ofJson(2048).bytes();
    while (System.nanoTime() - deadlineNanos < 0) {
      try (ClosedLoop one = new ClosedLoop(List.of(port), request, 1, 1)) {
        one.run(1).checked();
        return;
      } catch (IOException | IllegalStateException e) {
        // not ready yet
      }
      try {
        if (process.waitFor(3, TimeUnit.MILLISECONDS)) {
          break;
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        break;
      }
    }
    process.destroyForcibly();
    throw new IOException("the replica does not serve; its log says:\n" + Files.readString(log));
  }

  int port() {
    return port;
  }

  long pid() {
    return process.pid();
  }

  /** The time from launch to the first good answer. */
  double startMillis() {
    return startMillis;
  }

  @Override
  public void close() {
    process.destroy();
    try {
      process.onExit().orTimeout(STOP.toSeconds(), TimeUnit.SECONDS).join();
    } catch (CompletionException e) {
      if (!(e.getCause() instanceof TimeoutException)) {
        throw e;
      }
      process.destroyForcibly().onExit().join();
    }
    Runtime.getRuntime().removeShutdownHook(atExit);
  }
}
