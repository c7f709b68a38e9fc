package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import relay.embedded.EmbeddedRedis;
import relay.guards.Await;
import relay.model.Dialect;
import relay.trial.process.ReplicaProcess;

/** A replica that cannot start or cannot reach Redis states the reason. */
@Tag("slow")
class FailedStartTest {
  private static final String FREE = "127.0.0.1:0";

  @TempDir Path directory;

  @Test
  void a_port_in_use_is_named() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
      String address = "127.0.0.1:" + taken.getLocalPort();
      assertEquals(
          "relay: cannot start: cannot listen on "
              + address
              + " (server.admin_listen): Address already in use",
          lastWords(FREE, address));
      assertEquals(
          "relay: cannot start: cannot listen on "
              + address
              + " (server.listen): Address already in use",
          lastWords(address, FREE));
    }
  }

  /** Tests that run beside each other may choose the same port. */
  @Test
  void a_replica_is_ready_only_when_it_has_its_port_itself() throws Exception {
    try (RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
        Replicas others =
            new Setup()
                .provider("anthropic", Dialect.ANTHROPIC, provider, Setup.key("a"))
                .start(1)) {
      int port = others.get(0).adminPort();
      Path config = Files.copy(others.config(0), directory.resolve("relay.yaml"));
      try (ReplicaProcess second = Replicas.launch(config, others.port(0), port, List.of())) {
        assertEquals(200, second.adminStatus("/readyz"), "the other one answers");
        assertFalse(second.isReady(Duration.ofSeconds(40)));
        assertTrue(second.log().contains("in use"), second.log());
      }
    }
  }

  @Test
  void a_host_that_does_not_exist_is_named() throws Exception {
    assertEquals(
        "relay: cannot start: cannot listen on none.invalid:1234 (server.listen): unknown host",
        lastWords("none.invalid:1234", FREE));
  }

  @Test
  void a_wrong_redis_password_is_reported_as_such() throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.start()) {
      String url = redis.url().replace("://", "://nobody:hunter2@");
      ReplicaProcess replica = Replicas.launch(config(FREE, FREE, url), 0, 0, List.of());
      try {
        Await.until("it says why", () -> replica.log().contains("WRONGPASS"));
        assertFalse(replica.log().contains("hunter2"), replica.log());
      } finally {
        replica.kill();
      }
    }
  }

  @Test
  void a_signal_during_the_start_is_an_orderly_stop() throws Exception {
    try (ServerSocket redis = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
      String url = "redis://127.0.0.1:" + redis.getLocalPort();
      ReplicaProcess replica = Replicas.launch(config(FREE, FREE, url), 0, 0, List.of());
      try (Socket silent = redis.accept()) {
        replica.terminate(); // during the connection to Redis
        assertEquals(0, replica.exitCode(), replica.log());
        assertTrue(replica.log().contains("stopped"), replica.log());
        assertTrue(silent.isConnected());
      } finally {
        replica.kill();
      }
    }
  }

  @Test
  void a_jvm_error_ends_the_start_without_a_hang() throws Exception {
    List<String> broken = List.of("-Djava.nio.channels.spi.SelectorProvider=none");
    ReplicaProcess replica =
        Replicas.launch(config(FREE, FREE, "redis://127.0.0.1:1"), 0, 0, broken);
    try {
      assertEquals(1, replica.exitCode());
    } finally {
      replica.kill();
    }
    assertTrue(replica.log().contains("Error"), replica.log());
    assertFalse(replica.log().contains("stopped during the start"), replica.log());
  }

  /** The last line on its standard error. */
  private String lastWords(String listen, String adminListen) throws Exception {
    Path config = config(listen, adminListen, "redis://127.0.0.1:1");
    ReplicaProcess replica = Replicas.launch(config, 0, 0, List.of());
    try {
      assertEquals(1, replica.exitCode());
    } finally {
      replica.kill();
    }
    List<String> lines = replica.log().lines().filter(line -> line.startsWith("relay:")).toList();
    assertTrue(!lines.isEmpty(), replica.log());
    return lines.getLast();
  }

  private Path config(String listen, String adminListen, String redis) throws Exception {
    Path config = Files.createTempFile(directory, "relay", ".yaml");
    Files.writeString(
        config,
        """
        server: { listen: "%s", admin_listen: "%s", auth: none }
        redis: { url: "%s" }
        providers: [{ name: a, type: ollama }]
        """
            .formatted(listen, adminListen, redis));
    return config;
  }
}
