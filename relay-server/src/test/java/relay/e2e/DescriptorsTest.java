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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import relay.embedded.EmbeddedRedis;
import relay.embedded.LoopbackPorts;
import relay.guards.Await;
import relay.model.Dialect;
import relay.trial.process.ReplicaProcess;

/** A replica whose clients take all file descriptors that they can get. */
class DescriptorsTest {
  private static final int LIMIT = 200;
  private static final int IDLE_CLIENTS = 300;

  private static List<String> limited(List<String> command) {
    List<String> words =
        new ArrayList<>(List.of("sh", "-c", "ulimit -n " + LIMIT + " && exec \"$@\"", "sh"));
    words.addAll(command);
    return words;
  }

  @Test
  void idle_clients_leave_descriptors_for_providers_and_redis(@TempDir Path directory)
      throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.start();
        RawProvider provider =
            new RawProvider(
                (request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)))) {
      int[] ports = LoopbackPorts.free(2);
      Path config = directory.resolve("relay.yaml");
      Setup setup =
          new Setup().provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a"));
      Files.writeString(config, setup.yaml(ports[0], ports[1], redis.url()));
      List<String> options =
          List.of(
              "-Xmx256m",
              "-XX:+UseSerialGC",
              "-XX:TieredStopAtLevel=1",
              "--enable-native-access=ALL-UNNAMED",
              "--sun-misc-unsafe-memory-access=allow",
              "--add-opens=java.base/java.lang=ALL-UNNAMED");
      ReplicaProcess replica =
          ReplicaProcess.start(
              limited(ReplicaProcess.javaCommand(options)), config, ports[0], ports[1]);
      try {
        assertTrue(replica.isReady(Duration.ofSeconds(40)), replica.log());
        serves_beside_idle_clients(replica);
      } finally {
        replica.kill();
      }
    }
  }

  private static void serves_beside_idle_clients(ReplicaProcess replica) throws Exception {
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
