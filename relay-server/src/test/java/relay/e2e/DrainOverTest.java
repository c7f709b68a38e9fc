package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.BufferedSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import relay.e2e.RawProvider.Connection;
import relay.guards.Await;
import relay.model.Dialect;
import relay.trial.process.ReplicaProcess;

/** Requests that still run when {@code server.drain_ms} after SIGTERM has expired. */
@Tag("slow")
class DrainOverTest {
  private static final int STREAMS = 6;

  private final Map<ProviderWire, RawProvider> providers = new EnumMap<>(ProviderWire.class);

  DrainOverTest() throws Exception {
    for (ProviderWire wire : ProviderWire.values()) {
      providers.put(wire, new RawProvider(wire, (request, connection) -> {}));
    }
  }

  @AfterEach
  void close() throws Exception {
    for (RawProvider provider : providers.values()) {
      provider.close();
    }
  }

  private RawProvider provider(ProviderWire wire) {
    return Objects.requireNonNull(providers.get(wire));
  }

  private Setup setup(ProviderWire wire) {
    return new Setup()
        .http2()
        .server("drain_ms: 300")
        .provider("anthropic", Dialect.ANTHROPIC, provider(wire), Setup.key("a"))
        .provider("openai", Dialect.OPENAI, provider(wire), Setup.key("o"));
  }

  private static Dialect dialect(int n) {
    return n % 2 == 0 ? Dialect.ANTHROPIC : Dialect.OPENAI;
  }

  private static String model(Dialect dialect) {
    return dialect == Dialect.ANTHROPIC ? "anthropic" : "openai";
  }

  /** How far a stream that never ends has progressed. */
  enum Reached {
    THE_HEAD {
      @Override
      void say(Dialect dialect, Connection connection) {}
    },
    AN_EVENTS_END {
      @Override
      void say(Dialect dialect, Connection connection) throws IOException {
        connection.chunk(Says.events(dialect).getFirst());
      }
    },
    THE_MIDDLE_OF_AN_EVENT {
      @Override
      void say(Dialect dialect, Connection connection) throws IOException {
        connection.chunk(Says.events(dialect).getFirst());
        connection.chunk(Says.events(dialect).get(1).substring(0, 30));
      }
    };

    abstract void say(Dialect dialect, Connection connection) throws IOException;
  }

  @ParameterizedTest
  @CsvSource({
    "PLAIN, THE_HEAD",
    "PLAIN, AN_EVENTS_END",
    "PLAIN, THE_MIDDLE_OF_AN_EVENT",
    "TLS_H1, AN_EVENTS_END",
    "TLS_H2, THE_HEAD",
    "TLS_H2, AN_EVENTS_END",
  })
  void a_stream_ends_with_an_error_event_and_a_broken_connection(ProviderWire wire, Reached reached)
      throws Exception {
    CountDownLatch asked = new CountDownLatch(STREAMS);
    CountDownLatch closed = new CountDownLatch(STREAMS);
    provider(wire)
        .script(
            (request, connection) -> {
              connection.write(Says.STREAM);
              reached.say(request.isFor("openai") ? Dialect.OPENAI : Dialect.ANTHROPIC, connection);
              asked.countDown();
              connection.awaitClosed();
              closed.countDown();
            });
    try (Replicas replicas = setup(wire).start(1)) {
      ReplicaProcess replica = replicas.get(0);
      List<RawClient> open = new ArrayList<>();
      for (int n = 0; n < STREAMS; n++) {
        Dialect dialect = dialect(n);
        RawClient client = new RawClient(replica.port());
        open.add(client.send(Ask.stream(dialect, model(dialect))));
        if (reached != Reached.THE_HEAD) {
          client.head();
          assertEquals(Says.eventsWithoutUsage(dialect).getFirst(), client.readTo("\n\n"));
        }
      }
      assertTrue(asked.await(10, TimeUnit.SECONDS));
      replica.terminate();
      for (int n = 0; n < STREAMS; n++) {
        try (RawClient client = open.get(n)) {
          if (reached == Reached.THE_HEAD) {
            client.head(); // blocks until the first event
          }
          if (reached == Reached.THE_HEAD) { // nothing has gone to the client
            assertEquals(503, client.status());
            assertIsOfTheStop(new ObjectMapper().readTree(client.rest().text()));
            continue;
          }
          assertEquals(200, client.status());
          Answer rest = client.rest();
          assertFalse(rest.whole(), "it looks complete: " + rest);
          assertTellsOfTheStop(dialect(n), rest.text());
        }
      }
      assertTrue(closed.await(10, TimeUnit.SECONDS), "a call to the provider goes on");
      assertEquals(0, replica.exitCode(), replica.log());
      try (Replicas onlookers = setup(wire).on(replicas.redis()).start(1)) {
        String ended = "rpm " + STREAMS / 2 + "/- .* inflight 0";
        onlookers.awaitLine("anthropic", "a/default", ended);
        onlookers.awaitLine("openai", "o/default", ended);
      }
    }
  }

  private static void assertTellsOfTheStop(Dialect dialect, String text) throws Exception {
    assertTrue(text.endsWith("\n\n"), text);
    String[] events = text.split("\n\n", -1);
    String last = events[events.length - 2];
    String begin = dialect == Dialect.ANTHROPIC ? "event: error\ndata: " : "data: ";
    assertTrue(last.startsWith(begin), text);
    assertIsOfTheStop(new ObjectMapper().readTree(last.substring(begin.length())));
  }

  private static void assertIsOfTheStop(JsonNode json) {
    assertEquals("api_error", json.at("/error/type").asText(), json.toString());
    assertTrue(json.at("/error/message").asText().contains("drain_ms"), json.toString());
  }

  @Test
  void a_stream_with_its_last_event_is_complete() throws Exception {
    provider(ProviderWire.PLAIN)
        .script(
            (request, connection) -> {
              connection.write(Says.STREAM);
              for (String event : Says.events(Dialect.ANTHROPIC)) {
                connection.chunk(event);
              }
              connection.awaitClosed(); // without the end of the HTTP body
            });
    try (Replicas replicas = setup(ProviderWire.PLAIN).start(1);
        RawClient client = new RawClient(replicas.port(0))) {
      client.send(Ask.stream(Dialect.ANTHROPIC, "anthropic")).head();
      for (String event : Says.events(Dialect.ANTHROPIC)) {
        assertEquals(event, client.readTo("\n\n"));
      }
      replicas.get(0).terminate();
      Answer rest = client.rest();
      assertTrue(rest.whole(), rest.toString());
      assertEquals("", rest.text());
      assertEquals(0, replicas.get(0).exitCode());
    }
  }

  @ParameterizedTest
  @CsvSource({"PLAIN, ANTHROPIC", "PLAIN, OPENAI", "TLS_H1, ANTHROPIC", "TLS_H2, OPENAI"})
  void a_request_without_an_answer_gets_an_error(ProviderWire wire, Dialect dialect)
      throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    provider(wire)
        .script(
            (request, connection) -> {
              asked.countDown();
              connection.awaitClosed();
            });
    try (Replicas replicas = setup(wire).start(1);
        RawClient client = new RawClient(replicas.port(0))) {
      client.send(Ask.of(dialect, model(dialect)));
      assertTrue(asked.await(10, TimeUnit.SECONDS));
      replicas.get(0).terminate();
      Answer answer = client.answer();
      String message = Errors.relays(answer, dialect, 503, "api_error");
      assertTrue(message.contains("drain_ms"), message);
      assertEquals("1", answer.header("retry-after"));
      assertEquals(0, replicas.get(0).exitCode());
    }
    assertEquals(1, provider(wire).received().size(), "it was tried again");
  }

  @Test
  void a_request_that_waits_for_capacity_gets_an_error() throws Exception {
    provider(ProviderWire.PLAIN)
        .script((request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
    Setup waits =
        new Setup()
            .http2()
            .server("drain_ms: 300")
            .provider(
                "anthropic",
                Dialect.ANTHROPIC,
                provider(ProviderWire.PLAIN),
                List.of("pooling: { max_wait_ms: 120000 }"),
                List.of(Setup.key("a", "rpm_limit: 1")));
    try (Replicas replicas = waits.start(1);
        RawClient client = new RawClient(replicas.port(0))) {
      assertEquals(
          200, RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, "anthropic")).status());
      client.send(Ask.of(Dialect.ANTHROPIC, "anthropic"));
      Await.until(
          "it waits", () -> replicas.admin(0, "/metrics").text().contains("relay_waiting 1.0\n"));
      replicas.get(0).terminate();
      Errors.relays(client.answer(), Dialect.ANTHROPIC, 503, "api_error");
      assertEquals(0, replicas.get(0).exitCode());
    }
  }

  @Test
  void all_streams_of_an_http_2_connection_get_an_error() throws Exception {
    String first = Says.events(Dialect.ANTHROPIC).getFirst();
    provider(ProviderWire.PLAIN)
        .script(
            (request, connection) -> {
              connection.write(Says.STREAM);
              connection.chunk(first);
              connection.awaitClosed();
            });
    OkHttpClient client =
        new OkHttpClient.Builder().protocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE)).build();
    try (Replicas replicas = setup(ProviderWire.PLAIN).start(1)) {
      List<Response> open = new ArrayList<>();
      for (int n = 0; n < STREAMS; n++) {
        Request request =
            new Request.Builder()
                .url("http://127.0.0.1:" + replicas.port(0) + "/v1/messages")
                .header("x-api-key", Ask.CLIENT_KEY)
                .post(
                    RequestBody.create(
                        Ask.body("anthropic", "\"stream\":true,"),
                        MediaType.get("application/json")))
                .build();
        open.add(client.newCall(request).execute());
        assertEquals(first, open.get(n).body().source().readUtf8(first.length()));
      }
      replicas.get(0).terminate();
      for (Response response : open) {
        try (response) {
          BufferedSource body = response.body().source();
          String event = body.readUtf8Line() + "\n" + body.readUtf8Line() + "\n\n";
          assertTellsOfTheStop(Dialect.ANTHROPIC, event);
          assertEquals("", body.readUtf8Line());
          assertThrows(IOException.class, body::exhausted);
        }
      }
      assertEquals(0, replicas.get(0).exitCode());
    } finally {
      client.dispatcher().executorService().shutdown();
      client.connectionPool().evictAll();
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_client_that_reads_nothing_delays_the_stop_only_briefly(ProviderWire wire)
      throws Exception {
    provider(wire)
        .script(
            (request, connection) -> {
              connection.write(Says.STREAM);
              while (true) {
                connection.chunk(Says.events(Dialect.ANTHROPIC).get(1));
              }
            });
    try (Replicas replicas = setup(wire).start(1);
        RawClient client = new RawClient(replicas.port(0))) {
      client.send(Ask.stream(Dialect.ANTHROPIC, "anthropic")).head();
      replicas.get(0).terminate();
      assertEquals(0, replicas.get(0).exitCode(), replicas.get(0).log());
    }
  }
}
