package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import relay.embedded.EmbeddedRedis;
import relay.embedded.LoopbackPorts;
import relay.guards.Await;
import relay.model.Dialect;
import relay.trial.TrainedCode;

/** A replica whose stderr takes no line: a pipe that nobody reads, a file on a full disk. */
@Tag("slow")
class UnreadLogTest {
  private static final int BATCH = 1_000;

  /** More lines than the pipe and the queue hold. */
  private static final int MOST_BATCHES = 20;

  @Test
  void a_replica_serves_on_beside_a_pipe_that_nobody_reads(@TempDir Path directory)
      throws Exception {
    servesOnAndCountsTheLinesThatItDrops(directory, ProcessBuilder.Redirect.PIPE);
  }

  /** Each write to /dev/full fails with ENOSPC. */
  @Test
  void a_replica_serves_on_beside_a_full_disk(@TempDir Path directory) throws Exception {
    servesOnAndCountsTheLinesThatItDrops(
        directory, ProcessBuilder.Redirect.to(new File("/dev/full")));
  }

  private static void servesOnAndCountsTheLinesThatItDrops(
      Path directory, ProcessBuilder.Redirect stderr) throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.start();
        RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC)) {
      int[] ports = LoopbackPorts.free(2);
      Path config = directory.resolve("relay.yaml");
      Setup setup =
          new Setup()
              .log("format: text, requests: true")
              .provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a"));
      Files.writeString(config, setup.yaml(ports[0], ports[1], redis.url()));
      List<String> command = new ArrayList<>(TrainedCode.command(List.of()));
      command.addAll(List.of("serve", "--config", config.toString()));
      Process replica =
          new ProcessBuilder(command)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(stderr)
              .start();
      try {
        Await.until("it is ready", Duration.ofSeconds(40), () -> isReady(ports[1]));
        refuseUntilLinesAreDropped(ports[0], ports[1]);
        Ask ask = Ask.of(Dialect.ANTHROPIC, "anthropic");
        assertEquals(200, RawClient.ask(ports[0], ask).status());
        assertTrue(replica.isAlive());
      } finally {
        replica.destroyForcibly().onExit().join();
      }
    }
  }

  /** Each refused request writes a line. */
  private static void refuseUntilLinesAreDropped(int port, int adminPort) throws IOException {
    byte[] one = Ask.of(Dialect.ANTHROPIC, "x".repeat(200)).bytes();
    ByteArrayOutputStream batch = new ByteArrayOutputStream();
    for (int n = 0; n < BATCH; n++) {
      batch.writeBytes(one);
    }
    try (RawClient wire = new RawClient(port)) {
      for (int n = 0; n < MOST_BATCHES && dropped(adminPort) == 0; n++) {
        wire.send(batch.toByteArray());
        for (int answer = 0; answer < BATCH; answer++) {
          assertEquals(404, wire.answer().status());
        }
      }
    }
    assertTrue(dropped(adminPort) > 0, "the queue of the log has a bound");
  }

  private static Answer look(int adminPort, String path) throws IOException {
    Ask look = Ask.of(Dialect.ANTHROPIC, "").method("GET").target(path).host("127.0.0.1");
    return RawClient.ask(adminPort, look);
  }

  private static boolean isReady(int adminPort) throws IOException {
    try {
      return look(adminPort, "/readyz").status() == 200;
    } catch (ConnectException e) {
      return false; // not yet
    }
  }

  private static double dropped(int adminPort) throws IOException {
    return look(adminPort, "/metrics")
        .text()
        .lines()
        .filter(line -> line.startsWith("relay_log_dropped_total "))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(' ') + 1)))
        .findFirst()
        .orElseThrow();
  }
}
