package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import relay.embedded.EmbeddedRedis;
import relay.embedded.LoopbackPorts;
import relay.guards.Await;
import relay.model.Dialect;
import relay.trial.TrainedCode;
import relay.trial.process.ReplicaProcess;

/** A replica whose clients take all file descriptors that they can get. */
@Tag("slow")
class DescriptorsTest {
  private static final int LIMIT = 300; // the jars of the class path take half
  private static final int IDLE_CLIENTS = 400;
  private static final int AT_ONCE = 5;

  private static List<String> limited(List<String> command) {
    List<String> words =
        new ArrayList<>(List.of("sh", "-c", "ulimit -n " + LIMIT + " && exec \"$@\"", "sh"));
    words.addAll(command);
    return words;
  }

  @Test
  void idle_clients_leave_descriptors_for_providers_and_redis(@TempDir Path directory)
      throws Exception {
    CountDownLatch together = new CountDownLatch(AT_ONCE);
    try (EmbeddedRedis redis = EmbeddedRedis.start();
        RawProvider provider =
            new RawProvider(
                (request, connection) -> {
                  together.countDown();
                  together.await();
                  connection.write(Says.fine(Dialect.ANTHROPIC));
                })) {
      int[] ports = LoopbackPorts.free(2);
      Path config = directory.resolve("relay.yaml");
      Setup setup =
          new Setup().provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a"));
      Files.writeString(config, setup.yaml(ports[0], ports[1], redis.url()));
      ReplicaProcess replica =
          ReplicaProcess.start(limited(TrainedCode.command(List.of())), config, ports[0], ports[1]);
      try {
        assertTrue(replica.isReady(Duration.ofSeconds(40)), replica.log());
        asksAtOnce(replica);
        assertEquals(AT_ONCE, provider.openConnections());
        serves_beside_idle_clients(replica, provider);
      } finally {
        replica.kill();
      }
    }
  }

  /** Leaves as many idle connections to the provider. */
  private static void asksAtOnce(ReplicaProcess replica) throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Answer>> answers = new ArrayList<>();
      for (int n = 0; n < AT_ONCE; n++) {
        Ask ask = Ask.of(Dialect.ANTHROPIC, "anthropic");
        answers.add(threads.submit(() -> RawClient.ask(replica.port(), ask)));
      }
      for (Future<Answer> each : answers) {
        assertEquals(200, each.get().status());
      }
    }
  }

  private static void serves_beside_idle_clients(ReplicaProcess replica, RawProvider provider)
      throws Exception {
    Ask ask = Ask.of(Dialect.ANTHROPIC, "anthropic");
    List<Socket> idle = new ArrayList<>();
    try (RawClient early = new RawClient(replica.port())) {
      for (int n = 0; n < IDLE_CLIENTS; n++) {
        idle.add(new Socket(InetAddress.ofLiteral("127.0.0.1"), replica.port()));
      }
      Await.until("the port pauses", () -> metric(replica, "relay_accept_pauses_total") > 0);
      for (int n = 0; n < 20; n++) { // the first needs a connection to the provider
        assertEquals(200, early.send(ask).answer().status());
      }
      Await.until("unused connections are closed", () -> provider.openConnections() <= 1);
      Await.until("it is logged", () -> replica.log().contains("file descriptors are open"));
      assertEquals(1, metric(replica, "relay_redis_up"));
    } finally {
      for (Socket each : idle) {
        each.close();
      }
    }
    assertEquals(200, RawClient.ask(replica.port(), ask).status());
  }

  private static long metric(ReplicaProcess replica, String name) throws Exception {
    Ask look = Ask.of(Dialect.ANTHROPIC, "").method("GET").target("/metrics").host("127.0.0.1");
    for (String line : RawClient.ask(replica.adminPort(), look).text().split("\n", -1)) {
      if (line.startsWith(name + " ")) {
        return (long) Double.parseDouble(line.substring(name.length() + 1));
      }
    }
    throw new AssertionError("no " + name);
  }
}
