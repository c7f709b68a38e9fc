package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.e2e.RawProvider.Connection;
import relay.guards.Await;
import relay.model.Dialect;

/** Many streams of a provider's HTTP/2 connections, and connections that end between requests. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ProviderStreamsTest {
  private static final int MANY = 100;

  private final List<RawProvider> providers = new ArrayList<>();
  private final RawProvider leaving = provider(ProviderWire.TLS_H2);
  private final Replicas replicas;

  ProviderStreamsTest() throws Exception {
    Setup setup = new Setup().provider("leaving", Dialect.ANTHROPIC, leaving, Setup.key("l"));
    for (ProviderWire wire : ProviderWire.values()) {
      // TLS_H2 accepts HTTP/2 only, which no setting says.
      String url = provider(wire).url();
      List<String> keys = List.of(Setup.key(wire.name()));
      setup.provider(wire.name(), Dialect.ANTHROPIC, url, wire.settings(), keys);
    }
    replicas = setup.start(1);
  }

  private RawProvider provider(ProviderWire wire) throws Exception {
    RawProvider made = new RawProvider(wire, (request, connection) -> {});
    providers.add(made);
    return made;
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    for (RawProvider provider : providers) {
      provider.close();
    }
  }

  private static void fine(Connection connection) throws Exception {
    connection.write(Says.fine(Dialect.ANTHROPIC));
  }

  private List<Answer> ask(String pool, int requests) throws Exception {
    return ask(replicas, pool, requests);
  }

  private static List<Answer> ask(Replicas replicas, String pool, int requests) throws Exception {
    List<Future<Answer>> asked = new ArrayList<>();
    List<Answer> answers = new ArrayList<>();
    try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int n = 0; n < requests; n++) {
        Ask ask = Ask.of(Dialect.ANTHROPIC, pool);
        asked.add(clients.submit(() -> RawClient.ask(replicas.port(0), ask)));
      }
      for (Future<Answer> one : asked) {
        answers.add(one.get());
      }
    }
    return answers;
  }

  @Test
  void a_connection_that_falls_silent_is_noticed_by_its_pings() throws Exception {
    RawProvider silent = provider(ProviderWire.TLS_H2);
    CountDownLatch arrived = new CountDownLatch(MANY);
    silent.script(
        (request, connection) -> {
          arrived.countDown();
          connection.http2().fallSilent();
        });
    Setup setup =
        new Setup()
            .server("connect_timeout_ms: 30000")
            .jvm("-Drelay.timings=ping=1000")
            .provider("silent", Dialect.ANTHROPIC, silent, Setup.key("s"));
    try (Replicas pinging = setup.start(1);
        ExecutorService one = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<List<Answer>> all = one.submit(() -> ask(pinging, "silent", MANY));
      assertTrue(arrived.await(20, TimeUnit.SECONDS));
      silent.script((request, connection) -> fine(connection));
      for (Answer answer : all.get(40, TimeUnit.SECONDS)) {
        assertEquals(200, answer.status(), answer.toString());
        assertNotEquals("1", answer.header("x-relay-attempts"));
      }
    }
  }

  @Test
  void after_a_goaway_the_next_request_takes_a_new_connection() throws Exception {
    leaving.script(
        (request, connection) -> {
          connection.http2().goAway(true);
          fine(connection);
        });
    for (int n = 1; n <= 5; n++) {
      Answer answer = ask("leaving", 1).getFirst();
      assertEquals(200, answer.status(), answer.toString());
      assertEquals("1", answer.header("x-relay-attempts"));
      assertEquals(n, leaving.connections());
    }
    assertEquals(5, leaving.received().size());
  }

  /** The provider has closed the connection, and Relay does not know it yet. */
  @ParameterizedTest
  @EnumSource
  void a_request_on_a_connection_that_closes_is_neither_lost_nor_doubled(ProviderWire wire)
      throws Exception {
    RawProvider provider = providers.get(1 + List.of(ProviderWire.values()).indexOf(wire));
    AtomicInteger answered = new AtomicInteger();
    provider.script(
        (request, connection) -> {
          fine(connection);
          answered.incrementAndGet();
          connection.close();
        });
    int asked = 60;
    for (int n = 0; n < asked; n++) {
      Answer answer = ask(wire.name(), 1).getFirst();
      assertEquals(200, answer.status(), "request " + n + ": " + answer);
    }
    Await.until("all were answered", Duration.ofSeconds(5), () -> answered.get() >= asked);
    assertEquals(asked, provider.received().size());
    assertEquals(asked, answered.get());
  }
}
