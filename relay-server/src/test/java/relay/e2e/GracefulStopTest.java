package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.ConnectException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.e2e.RawProvider.Connection;
import relay.e2e.RawProvider.Received;
import relay.guards.Await;
import relay.model.Dialect;
import relay.trial.process.ReplicaProcess;

/** SIGTERM: running requests complete, their usage is settled, and nothing is left behind. */
@Tag("slow")
class GracefulStopTest {
  private static final int STREAMS = 8;

  private final CountDownLatch stopping = new CountDownLatch(1);
  private final List<RawProvider> providers = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (RawProvider provider : providers) {
      provider.close();
    }
  }

  private Setup setup(ProviderWire wire) throws Exception {
    RawProvider provider = new RawProvider(wire, this::answer);
    providers.add(provider);
    return new Setup()
        .provider("anthropic", Dialect.ANTHROPIC, provider, Setup.key("a"))
        .provider("openai", Dialect.OPENAI, provider, Setup.key("o"));
  }

  private void answer(Received request, Connection connection) throws Exception {
    Dialect dialect = request.isFor("openai") ? Dialect.OPENAI : Dialect.ANTHROPIC;
    List<String> events = Says.events(dialect);
    connection.write(Says.STREAM);
    connection.chunk(events.getFirst());
    if (!stopping.await(30, TimeUnit.SECONDS)) {
      connection.reset();
    }
    for (String event : events.subList(1, events.size())) {
      connection.chunk(event);
    }
    connection.chunk("");
  }

  @ParameterizedTest
  @EnumSource
  void streams_complete_leases_settle_and_the_exit_code_is_0(ProviderWire wire) throws Exception {
    Setup setup = setup(wire);
    try (Replicas replicas = setup.start(1)) {
      ReplicaProcess replica = replicas.get(0);
      List<RawClient> open = openStreams(replica);
      replica.terminate();
      Await.until("it gets no more traffic", () -> replica.adminStatus("/readyz") == 503);
      assertTrue(replica.isAlive());
      assertEquals(200, replica.adminStatus("/healthz"));
      stopping.countDown();
      assertWhole(open);
      assertEquals(0, replica.exitCode(), replica.log());
      // the stopped replica no longer writes snapshots: start another one
      try (Replicas onlookers = setup.on(replicas.redis()).start(1)) {
        for (String group : List.of("a/default", "o/default")) {
          onlookers.awaitLine(
              group.startsWith("a") ? "anthropic" : "openai",
              group,
              "rpm %d/- itpm %d/- otpm %d/- inflight 0"
                  .formatted(STREAMS / 2, STREAMS / 2 * Says.INPUT, STREAMS / 2 * Says.OUTPUT));
        }
      }
    }
  }

  @Test
  void a_hang_up_signal_reloads_the_config_and_stops_nothing() throws Exception {
    try (Replicas replicas = setup(ProviderWire.PLAIN).start(1)) {
      ReplicaProcess replica = replicas.get(0);
      List<RawClient> open = openStreams(replica);
      replica.hangUp();
      Await.until("it is logged", () -> replica.log().contains("read again: no change"));
      assertEquals(200, replica.adminStatus("/readyz"));
      stopping.countDown();
      assertWhole(open);
      replica.terminate();
      assertEquals(0, replica.exitCode(), replica.log());
    }
  }

  @Test
  void its_own_redis_ends_with_it() throws Exception {
    try (Replicas replicas = setup(ProviderWire.PLAIN).withoutRedisUrl().start(1)) {
      ReplicaProcess replica = replicas.get(0);
      Matcher said = Pattern.compile("embedded Redis on port (\\d+)").matcher(replica.log());
      assertTrue(said.find(), replica.log());
      int port = Integer.parseInt(said.group(1));
      try (RedisSocket redis = new RedisSocket(port)) {
        assertEquals("PONG", redis.text("PING"));
      }
      List<RawClient> open = openStreams(replica);
      replica.terminate();
      stopping.countDown();
      assertWhole(open);
      assertEquals(0, replica.exitCode(), replica.log());
      assertThrows(ConnectException.class, () -> new RedisSocket(port));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TERM", "INT"})
  void a_second_signal_ends_the_drain(String signal) throws Exception {
    Setup setup = setup(ProviderWire.PLAIN).server("drain_ms: 600000").log("format: json");
    try (Replicas replicas = setup.start(1)) {
      ReplicaProcess replica = replicas.get(0);
      List<RawClient> open = openStreams(replica);
      replica.terminate();
      Await.until("it drains", () -> replica.adminStatus("/readyz") == 503);
      assertEquals(
          0,
          new ProcessBuilder("kill", "-" + signal, Long.toString(replica.pid())).start().waitFor());
      for (RawClient client : open) {
        try (client) {
          Answer rest = client.rest();
          assertFalse(rest.whole());
          assertTrue(rest.text().contains("this replica stops"), rest.text());
        }
      }
      assertEquals(0, replica.exitCode(), replica.log());
      assertTrue(replica.log().contains("a second signal ended the drain"), replica.log());
      long told = replica.log().lines().filter(l -> l.contains("\"broken\":\"stop\"")).count();
      assertEquals(STREAMS, told, replica.log());
    }
  }

  private static List<RawClient> openStreams(ReplicaProcess replica) throws Exception {
    List<RawClient> open = new ArrayList<>();
    for (int n = 0; n < STREAMS; n++) {
      Dialect dialect = n % 2 == 0 ? Dialect.ANTHROPIC : Dialect.OPENAI;
      String model = n % 2 == 0 ? "anthropic" : "openai";
      RawClient wire = new RawClient(replica.port());
      open.add(wire.send(Ask.stream(dialect, model)).head());
      assertEquals(Says.eventsWithoutUsage(dialect).getFirst(), wire.readTo("\n\n"));
    }
    return open;
  }

  private static void assertWhole(List<RawClient> open) throws Exception {
    for (int n = 0; n < STREAMS; n++) {
      Dialect dialect = n % 2 == 0 ? Dialect.ANTHROPIC : Dialect.OPENAI;
      List<String> events = Says.eventsWithoutUsage(dialect);
      try (RawClient wire = open.get(n)) {
        Answer rest = wire.rest();
        assertTrue(rest.whole(), "stream " + n + " was cut: " + rest);
        assertEquals(String.join("", events.subList(1, events.size())), rest.text());
      }
    }
  }
}
