package relay.endtoend;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import relay.embedded.LoopbackPorts;
import relay.load.ClosedLoop;
import relay.load.Question;
import relay.load.SentRequests;
import relay.trial.process.ReplicaProcess;

/** A replica, started as users start it: by the launcher, with a configuration. */
final class MeasuredReplica implements AutoCloseable {
  /** The name of its provider. */
  static final String PROVIDER = "anthropic";

  private static final Duration START_TIMEOUT = Duration.ofMinutes(2);
  private static final Duration POLL_INTERVAL = Duration.ofMillis(3);

  private final ReplicaProcess process;
  private final double startMillis;
  private final Thread atExit;

  private MeasuredReplica(ReplicaProcess process, long beganNanos) throws IOException {
    this.process = process;
    atExit = new Thread(process::kill);
    Runtime.getRuntime().addShutdownHook(atExit);
    awaitFirstAnswer(beganNanos + START_TIMEOUT.toNanos());
    startMillis = (System.nanoTime() - beganNanos) / 1e6;
  }

  /**
   * Starts a replica, and waits until it has answered a request.
   *
   * @param command the launcher; {@code serve --config FILE} is appended
   * @param directory for its configuration and its log
   * @param provider the settings of its provider
   * @param clients the file of its clients beside the one of {@link Question#CLIENT_KEY}
   */
  static MeasuredReplica start(
      List<String> command,
      Path directory,
      String redisUrl,
      List<String> provider,
      int keys,
      Path clients)
      throws IOException {
    int[] ports = LoopbackPorts.free(2);
    Path config = directory.resolve("relay-" + ports[0] + ".yaml");
    Files.writeString(config, config(ports[0], ports[1], redisUrl, provider, keys, clients));
    long began = System.nanoTime();
    return new MeasuredReplica(ReplicaProcess.start(command, config, ports[0], ports[1]), began);
  }

  private static String config(
      int port, int adminPort, String redisUrl, List<String> provider, int keys, Path clients) {
    StringBuilder text =
        new StringBuilder(
            """
            server:
              listen: 127.0.0.1:%d
              admin_listen: 127.0.0.1:%d
              auth: { api_key: %s, clients_file: %s }
            redis:
              url: %s
            logging: { level: warn, format: text }
            providers:
              - name: %s
                type: anthropic
            """
                .formatted(port, adminPort, Question.CLIENT_KEY, clients, redisUrl, PROVIDER));
    provider.forEach(line -> text.append("    ").append(line).append('\n'));
    text.append("    keys:\n");
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
    SentRequests request = SentRequests.of(Question.ofJson(2048).bytes());
    while (System.nanoTime() - deadlineNanos < 0) {
      try (ClosedLoop one = new ClosedLoop(List.of(port()), request, 1, 1)) {
        one.run(1).checked();
        return;
      } catch (IOException | IllegalStateException e) {
        // not ready yet
      }
      try {
        if (process.hasEnded(POLL_INTERVAL)) {
          break;
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        break;
      }
    }
    process.kill();
    throw process.failure("does not serve");
  }

  int port() {
    return process.port();
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
    process.close();
    Runtime.getRuntime().removeShutdownHook(atExit);
  }
}
